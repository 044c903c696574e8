// A local MCP server of revision 2025-11-25, for tests: small enough to misbehave in the ways that its arguments name.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const mode = process.argv[2] ?? 'sound';
const noise = 'Welcome to the server!\n{"half": \n\u0000\u0001 not JSON\n[]\n{"jsonrpc":"1.0"}\n\n';

if (mode === 'exits') {
  process.stderr.write('no configuration found, giving up\n');
  process.exit(3);
}
if (mode === 'banner' || mode === 'garbage') process.stdout.write(noise);
if (mode === 'garbage') setInterval(() => process.stdout.write(noise), 20);
if (mode === 'stubborn') {
  process.on('SIGTERM', () => undefined);
  setInterval(() => undefined, 1000);
}

const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const text = (value) => ({ content: [{ type: 'text', text: value }] });
const subscribed = [];
let cancelled = 0;
let level = '';

const tools = {
  env: () => text(JSON.stringify(process.env)),
  pid: () => text(String(process.pid)),
  child: () => text(String(spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'inherit' }).pid)),
  shout: ({ words }) => {
    process.stderr.write(`${words}\n`);
    return text('done');
  },
  big: ({ bytes }) => text('x'.repeat(bytes)),
  heard: () => text(JSON.stringify({ subscribed, level, cancelled })),
  touch: ({ uri }) => {
    send({ method: 'notifications/resources/updated', params: { uri } });
    send({ method: 'notifications/tools/list_changed' });
    return text('done');
  },
  ask: () => {
    send({ id: 'ask-1', method: 'ping' });
    send({ id: 'ask-2', method: 'sampling/createMessage', params: {} });
    return undefined;
  },
  change: () => {
    tools.added = () => text('added');
    send({ method: 'notifications/tools/list_changed' });
    return text('done');
  },
  speak_late: () => {
    process.stderr.write('speaking later\n');
    return undefined;
  },
  outlast: () => {
    process.stderr.write('outlasting\n');
    return undefined;
  },
  hang: () => {
    process.stderr.write('hanging\n');
    return undefined;
  },
  exit: () => process.exit(4),
};

const answers = new Map();
let asked;
let late;
let outlasting;

const methods = {
  initialize: () => ({
    protocolVersion: '2025-11-25',
    capabilities: { tools: { listChanged: true }, resources: { subscribe: true }, logging: {} },
    serverInfo: { name: 'local', version: '1' },
  }),
  'tools/list': () => ({ tools: Object.keys(tools).map((name) => ({ name, inputSchema: { type: 'object' } })) }),
  'resources/list': () => ({ resources: [] }),
  'resources/templates/list': () => ({ resourceTemplates: [{ name: 'any', uriTemplate: 'local://{name}' }] }),
  'resources/subscribe': ({ uri }) => {
    subscribed.push(uri);
    return {};
  },
  'resources/unsubscribe': ({ uri }) => {
    subscribed.splice(subscribed.indexOf(uri), 1);
    return {};
  },
  'logging/setLevel': (params) => {
    level = params.level;
    return {};
  },
  ping: () => ({}),
};

function takeAnswer({ id, result, error }) {
  answers.set(id, error ? error.code : result);
  if (answers.size === 2) send({ id: asked, result: text(JSON.stringify(Object.fromEntries(answers))) });
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params, ...rest } = JSON.parse(line);
  if (method === undefined) return takeAnswer({ id, ...rest });
  if (method === 'notifications/cancelled') cancelled += 1;
  if (method === 'notifications/cancelled' && params.requestId === late) {
    send({ method: 'notifications/message', params: { level: 'info', data: 'words of a cancelled call' } });
    send({ id: outlasting, result: text('done') });
  }
  if (method === 'tools/call' && params.name === 'speak_late') late = id;
  if (method === 'tools/call' && params.name === 'outlast') outlasting = id;
  if (id === undefined || mode === 'garbage') return;
  if (method === 'tools/call' && params.name === 'ask') asked = id;
  const result = method === 'tools/call' ? tools[params.name]?.(params.arguments ?? {}) : methods[method]?.(params ?? {});
  if (result !== undefined) send({ id, result });
  else if (methods[method] === undefined && method !== 'tools/call') send({ id, error: { code: -32601, message: 'no' } });
});
