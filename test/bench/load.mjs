// The load: wrk with keep-alive connections, each sending the same small tools/call again and again.
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';

export const CALL = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: {
    name: 'hello',
    arguments: { name: 'world', note: 'a small call' },
    _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} },
  },
});

const HEADERS = {
  'Content-Type': 'application/json',
  Accept: 'application/json, text/event-stream',
  'MCP-Protocol-Version': '2026-07-28',
  'Mcp-Method': 'tools/call',
  'Mcp-Name': 'hello',
};

/** Writes the wrk script: one constant request, a small call unless told. @param call its `body`, and `headers` beside or instead of the small call's */
export async function writeScript(dir, name, token, { body = CALL, headers: more = {} } = {}) {
  const headers = { ...HEADERS, ...(token && { Authorization: `Bearer ${token}` }), ...more };
  const lines = [
    'wrk.method = "POST"',
    `wrk.body = [[${body}]]`,
    ...Object.entries(headers)
      .filter(([, value]) => value !== undefined)
      .map(([field, value]) => `wrk.headers["${field}"] = "${value}"`),
    'done = function(summary, latency, requests)',
    '  io.write(string.format("RESULT %d %d %d %d %d %d\\n", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), summary.errors.status, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))',
    'end',
  ];
  const file = path.join(dir, `${name}.lua`);
  await writeFile(file, lines.join('\n'));
  return file;
}

/** Runs wrk on one core. @returns calls, throughput, latencies in µs, errors */
export async function load({ binary, core, url, script, connections, seconds }) {
  const child = spawn('taskset', ['-c', String(core), binary, '-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  await new Promise((resolve) => child.once('exit', resolve));
  const found = /RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)/.exec(output);
  if (found === null) throw new Error(`wrk printed no result:\n${output}`);
  const [calls, micros, p50Us, p99Us, refused, failed] = found.slice(1).map(Number);
  return { calls, perSecond: calls / (micros / 1e6), p50Us, p99Us, errors: refused + failed };
}
