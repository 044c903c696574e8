// node upstream.mjs modern|legacy <ledger file>
// An MCP server of a bank. What it does is a line in its ledger: the client's id of the call, and the tool. The line is in the file before
// the call is answered, so that whoever has been answered finds it there. With CHAOS_UPSTREAM_KEY it serves nobody who does not show it.
// Prints its URL.
import { openSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';

const [, , era, ledgerFile] = process.argv;
const isModern = era === 'modern';
const REVISION = isModern ? '2026-07-28' : '2025-11-25';
const done = isModern ? { resultType: 'complete' } : {};
const lasting = isModern ? { ttlMs: 60_000, cacheScope: 'public' } : {};
const serverInfo = { name: 'bank', version: '1' };
const ledger = openSync(ledgerFile, 'a');
const key = process.env.CHAOS_UPSTREAM_KEY;

/** How long each takes, milliseconds: at least, and at most. */
const TOOLS = { get_balance: [0, 5], pay: [0, 10], pay_slowly: [100, 600], fail: [0, 5], forbidden: [0, 0] };

const METHODS = {
  ...(isModern
    ? { 'server/discover': () => ({ supportedVersions: [REVISION], capabilities: { tools: {} }, ...lasting }) }
    : { initialize: () => ({ protocolVersion: REVISION, capabilities: { tools: {} }, serverInfo }) }),
  'tools/list': () => ({
    tools: Object.keys(TOOLS).map((name) => ({ name, inputSchema: { type: 'object' } })),
    ...lasting,
  }),
  ping: () => ({}),
};

function call({ name, arguments: { call: id } }, answer) {
  writeSync(ledger, `${JSON.stringify({ call: id, tool: name })}\n`);
  const [least, most] = TOOLS[name];
  const text = `${name} ${id}`;
  const result = { content: [{ type: 'text', text }], ...(name === 'fail' && { isError: true }), ...done };
  setTimeout(() => answer({ result }), least + Math.random() * (most - least));
}

let sessions = 0;

function serve({ id, method, params }, response) {
  const opens = method === 'initialize' && !isModern;
  const answer = (body) => {
    if (response.destroyed) return;
    const session = opens ? { 'mcp-session-id': `s-${process.pid}-${(sessions += 1)}` } : {};
    const status = isModern && body.error ? 404 : 200;
    response.writeHead(status, { 'content-type': 'application/json', ...session });
    response.end(JSON.stringify({ jsonrpc: '2.0', id, ...body }));
  };
  if (method === 'tools/call') return call(params, answer);
  const result = METHODS[method]?.();
  answer(result === undefined ? { error: { code: -32601, message: `no ${method}` } } : { result: { ...result, ...done } });
}

const server = createServer({ keepAliveTimeout: 3_000 }, (request, response) => {
  if (key !== undefined && request.headers['x-upstream-key'] !== key) return void response.writeHead(401).end();
  if (request.method !== 'POST') return void response.writeHead(request.method === 'DELETE' ? 200 : 405).end();
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const message = JSON.parse(Buffer.concat(chunks).toString());
    if (message.id === undefined) response.writeHead(202).end();
    else serve(message, response);
  });
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/mcp`));
