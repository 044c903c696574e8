// Events as an edge records them, in messages as its forwarder makes them.
import { randomBytes } from 'node:crypto';
import { renderEvent } from '@switchyard/audit';
import { chainMember, firstLink, writeLink } from '../../../libs/audit/dist/chain.js';

const messageBytes = 256 * 1024;

/** A number from 0 up to `count`, small ones more often: Zipf's law. */
const zipf = (count) => Math.floor(count ** Math.random());

/** An event as an edge records it of a call, with every field that such a one has. */
function callLine(sequence, epoch) {
  const person = zipf(5_000);
  const tool = zipf(300);
  const duration_us = 5_000 + zipf(2_000_000);
  const isOk = Math.random() < 0.95;
  const fields = {
    type: 'tool.called',
    outcome: isOk ? 'ok' : 'error',
    request_id: randomBytes(16).toString('hex'),
    trace_id: randomBytes(16).toString('hex'),
    principal_issuer: 'https://login.example.com',
    principal_subject: `user-${person}`,
    principal_name: `user${person}@example.com`,
    principal_kind: 'user',
    client_id: `https://client.example/${person % 7}`,
    client_name: 'claude-code',
    client_version: '2.1.4',
    server: `server-${tool % 12}`,
    upstream: `upstream-${tool % 40}`,
    capability_kind: 'tool',
    capability: `tool_${tool}`,
    upstream_capability: `tool_${tool}`,
    method: 'tools/call',
    era: 'modern',
    revision: '2026-07-28',
    client_rpc_id: String(sequence % 1_000),
    upstream_rpc_id: String(sequence),
    http_status: 200,
    bytes_in: 200 + zipf(5_000),
    bytes_out: 300 + zipf(100_000),
    duration_us,
    upstream_us: Math.floor(duration_us * 0.9),
    snapshot: 'sha256-abcdef0123',
    teams: [`team-${person % 25}`],
    rule: `servers.server-${tool % 12}.access[${person % 5}]`,
    ...(isOk ? {} : { origin: 'upstream' }),
    stage_us: { authenticate: 12, resolve: 5, upstream: duration_us },
    arguments_tokens: zipf(1_000),
    result_tokens: zipf(20_000),
    session_id: `session-${person}`,
  };
  const identity = { tenant: 'default', emitter: 'bench', epoch, sequence, recordedAtMs: epoch + Math.floor(sequence / 100) };
  return `${renderEvent(fields, identity).slice(0, -1)}${chainMember}\n`;
}

/** Links lines as the spool does. @returns the last link */
function linked(data, link) {
  let last = link;
  for (let start = 0; start < data.length; start = data.indexOf(10, start) + 1)
    last = writeLink(data, start, data.indexOf(10, start), last);
  return last;
}

/** @returns messages as a forwarder makes them, of that many events */
export function messagesOf(events) {
  const epoch = Date.now() - 3_600_000;
  const messages = [];
  let lines = [];
  let bytes = 0;
  let link = firstLink('bench', epoch);
  for (let sequence = 1; sequence <= events; sequence++) {
    const line = callLine(sequence, epoch);
    lines.push(line);
    bytes += line.length;
    if (bytes < messageBytes && sequence < events) continue;
    const data = Buffer.from(lines.join(''));
    link = linked(data, link);
    messages.push({ id: `bench/${epoch}/${sequence - lines.length + 1}-${sequence}`, data });
    lines = [];
    bytes = 0;
  }
  return messages;
}
