// node upstream.mjs http|stdio legacy|modern [--swap N]
// An upstream of the canary run: hand-written, so that it costs little. Its tool `echo` says the caller's canary back: in the result, and
// before it in progress and log messages where it is asked for steps. Answers overtake each other. Over HTTP it prints its URL.
// With --swap every Nth result carries the canary of another call: to see that the run notices.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers';

const [, , transport, era] = process.argv;
const swapAt = process.argv.indexOf('--swap');
const swapEvery = swapAt < 0 ? 0 : Number(process.argv[swapAt + 1]);

const isModern = era === 'modern';
const REVISION = isModern ? '2026-07-28' : '2025-11-25';
const done = isModern ? { resultType: 'complete' } : {};
const text = (value) => ({ content: [{ type: 'text', text: value }], ...done });
const TOOLS = [{ name: 'echo', inputSchema: { type: 'object', properties: { canary: { type: 'string' } } } }];
const CAPABILITIES = { tools: {}, logging: {} };

const METHODS = {
  initialize: () => ({ protocolVersion: REVISION, capabilities: CAPABILITIES, serverInfo: { name: 'canary', version: '1' } }),
  'server/discover': () => ({
    supportedVersions: [REVISION],
    capabilities: CAPABILITIES,
    ttlMs: 0,
    cacheScope: 'private',
    ...done,
  }),
  'tools/list': () => ({ tools: TOOLS, ...done, ...(isModern && { ttlMs: 0, cacheScope: 'private' }) }),
  'logging/setLevel': () => ({}),
  ping: () => ({}),
};
// A method of the other era is unknown.
if (isModern) delete METHODS.initialize;
else delete METHODS['server/discover'];

const message = (body) => JSON.stringify({ jsonrpc: '2.0', ...body });
let calls = 0;
let before = '';

/** Pauses that make answers overtake each other: none, a turn, or some milliseconds. */
function later(work) {
  const draw = Math.random();
  if (draw < 0.6) work();
  else if (draw < 0.8) setImmediate(work);
  else setTimeout(work, draw * 5);
}

/** @param say sends a notification @param answer sends the response @returns what cancels the call */
function echo({ id, params }, say, answer) {
  const { canary, steps = 0, holdMs = 0 } = params.arguments;
  const token = params._meta?.progressToken;
  calls += 1;
  const told = swapEvery > 0 && calls % swapEvery === 0 ? before : canary;
  before = canary;
  let cancelled = false;
  let step = 0;
  const goOn = () => {
    if (cancelled) return;
    if (step === steps) return void answer({ id, result: text(told) });
    step += 1;
    if (token !== undefined)
      say({ method: 'notifications/progress', params: { progressToken: token, progress: step, message: canary } });
    say({ method: 'notifications/message', params: { level: 'info', data: canary } });
    later(goOn);
  };
  if (holdMs > 0) setTimeout(goOn, holdMs);
  else later(goOn);
  return () => (cancelled = true);
}

/** Serves one message. @returns what cancels it, where it is a call */
function serve(body, say, answer) {
  const { id, method, params = {} } = body;
  if (method === 'tools/call') return echo({ id, params }, say, answer);
  const made = METHODS[method]?.(params);
  answer(made === undefined ? { id, error: { code: -32601, message: `no ${method}` } } : { id, result: made });
}

function overStdio() {
  const cancels = new Map();
  const send = (body) => process.stdout.write(`${message(body)}\n`);
  createInterface({ input: process.stdin }).on('line', (line) => {
    const body = JSON.parse(line);
    // As with most servers, what it has begun it finishes saying: a cancelled call still logs.
    if (body.method === 'notifications/cancelled') return void setTimeout(() => cancels.get(body.params.requestId)?.(), 2);
    if (body.id === undefined) return;
    const cancel = serve(body, send, (response) => {
      cancels.delete(body.id);
      send(response);
    });
    if (cancel) cancels.set(body.id, cancel);
  });
}

function answerPost(body, response, session) {
  const type = (value) => ({ 'content-type': value, ...(session && { 'mcp-session-id': session }) });
  const say = (notification) => {
    if (!response.headersSent) response.writeHead(200, type('text/event-stream'));
    response.write(`data: ${message(notification)}\n\n`);
  };
  const cancel = serve(body, say, (answer) => {
    if (response.destroyed) return;
    if (response.headersSent) return void response.end(`data: ${message(answer)}\n\n`);
    const json = message(answer);
    const status = isModern && answer.error?.code === -32601 ? 404 : 200;
    response.writeHead(status, { ...type('application/json'), 'content-length': Buffer.byteLength(json) }).end(json);
  });
  if (isModern && cancel) response.once('close', cancel);
}

function overHttp() {
  let sessions = 0;
  const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
    if (request.method === 'GET') return void response.writeHead(405).end();
    if (request.method !== 'POST') return void response.writeHead(200).end();
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString());
      if (body.id === undefined) return void response.writeHead(202).end();
      const opens = body.method === 'initialize' && !isModern;
      answerPost(body, response, opens ? `session-${(sessions += 1)}` : undefined);
    });
  });
  server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/mcp`));
}

if (transport === 'stdio') overStdio();
else overHttp();
