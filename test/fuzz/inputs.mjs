// Inputs for the fuzz run: messages, batches and streams of the protocol, then mutated, joined and cut.
import { below, pick } from './random.mjs';

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': { elicitation: {}, roots: { listChanged: true } },
  'io.modelcontextprotocol/clientInfo': { name: 'c', version: '1' },
  'io.modelcontextprotocol/logLevel': 'debug',
  progressToken: 0,
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
};
const SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $ref: '#/$defs/a',
  $defs: { a: { items: { $ref: '#' } } },
};
const request = (method, params, id = 1) => ({ jsonrpc: '2.0', id, method, params });
const result = (value) => ({ jsonrpc: '2.0', id: 'a', result: value });
const error = (code, data) => ({ jsonrpc: '2.0', id: 0, error: { code, message: 'no', data } });

const MESSAGES = [
  request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } }),
  request('tools/call', { name: 'é"', arguments: { n: 1.5, deep: [[[{}]]], text: '\u0000😀' }, _meta: META }),
  request('tools/call', {
    name: 't',
    inputResponses: { a: { action: 'accept', content: {} }, b: { roots: [] } },
    requestState: 's',
  }),
  request('resources/read', { uri: 'file:///a', _meta: { 'io.modelcontextprotocol/related-task': {} } }),
  request('completion/complete', { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'a', value: '' } }),
  request('elicitation/create', { mode: 'url', elicitationId: 'e', message: 'm', url: 'https://x', task: {} }),
  request('sampling/createMessage', { messages: [], maxTokens: 1, tools: [], _meta: { progressToken: 'p' } }),
  request('roots/list'),
  request('tools/call', { name: 't', arguments: {}, task: { ttl: 1 } }),
  request('tasks/get', { taskId: 'é', _meta: META }),
  { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: '0', progress: 1 } },
  { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1, _meta: { a: 1 } } },
  result({
    content: [
      { type: 'text', text: 'x' },
      { type: 'audio', data: 'AA==', mimeType: 'audio/wav' },
      { type: 'resource_link', uri: 'u', name: 'n' },
      { type: 'video' },
      7,
    ],
    structuredContent: [1, null],
    resultType: 'complete',
    _meta: { 'io.modelcontextprotocol/serverInfo': {}, a: 1 },
  }),
  result({ messages: [{ role: 'user', content: { type: 'audio' } }], isError: false }),
  result({
    tools: [
      { name: 't', inputSchema: { type: 'object', properties: { a: true, b: false } }, execution: {}, annotations: { title: 1 } },
      { name: 'u', inputSchema: { type: 'object', required: ['a'] }, outputSchema: SCHEMA, icons: [{ src: 'x' }] },
    ],
    nextCursor: '',
    ttlMs: 0,
    cacheScope: 'private',
  }),
  result({
    resultType: 'input_required',
    inputRequests: { a: { method: 'elicitation/create', params: { message: 'm' } }, r: { method: 'roots/list' } },
    requestState: 'opaque',
  }),
  result({ task: { taskId: 't', status: 'working' }, _meta: { 'io.modelcontextprotocol/related-task': { taskId: 't' } } }),
  result({ resultType: 'task', taskId: 't', status: 'completed', pollIntervalMs: 1, result: { content: [] } }),
  result({}),
  error(-32042, { elicitations: [{ mode: 'url', elicitationId: 'e', message: 'm', url: 'u' }] }),
  error(-32002, { uri: 'u' }),
  error(-32021, { requiredCapabilities: { sampling: {} } }),
  error(-32021, { requiredCapabilities: { extensions: { 'io.modelcontextprotocol/tasks': {} } } }),
].map((message) => JSON.stringify(message));

const STREAMS = [
  'id: 1\ndata:\n\n',
  'event: endpoint\ndata: /messages?sessionId=1\n\n',
  ...MESSAGES.slice(0, 4).map((message) => `: keep-alive\r\n\r\nid: 7\nretry: 250\ndata: ${message}\n\n`),
  'data\rdata: a\r\r\ufeffdata: b\n\n',
];

/** Pieces that parsers stumble over. */
const TOKENS = [
  ...[
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    '\\u0000',
    '\\ud83d',
    '\\ud83d\\ude00',
    '\\u0065',
    'null',
    'true',
    '-0',
    '1e999',
    '01',
  ],
  ...[
    '"__proto__":{},',
    '"id":1,',
    '"Method":1,',
    '"_meta":{},',
    '"params":{},',
    '"result":{},',
    '"requestState":"x",',
    '\u212a',
  ],
  ...['\n', '\r', '\r\n', '\n\n', 'data: ', 'event: ', 'id: ', 'retry: 1\n', '\ufeff', '\0', ' ', '\u2028', 'ſ'],
  ...['"type":"object"', '"$ref":"#"', '"$id":"x",', '"resultType":"task",', '"content":null,', '"tools":[]'],
].map((text) => Buffer.from(text));

const seeds = [...MESSAGES, ...STREAMS].map((text) => Buffer.from(text));

function randomBytes(random) {
  return Buffer.from(Array.from({ length: below(random, 64) }, () => below(random, 256)));
}

function deep(random) {
  const depth = 1 + below(random, 200);
  const [open, close] = pick(random, [
    ['[', ']'],
    ['{"a":', '}'],
  ]);
  return Buffer.from(
    `{"jsonrpc":"2.0","id":1,"result":${open.repeat(depth)}1${close.repeat(below(random, 10) === 0 ? depth - 1 : depth)}}`,
  );
}

function fresh(random, corpus) {
  const kind = below(random, 20);
  if (kind === 0) return randomBytes(random);
  if (kind === 1) return deep(random);
  if (kind < 5) {
    const parts = Array.from({ length: 1 + below(random, 4) }, () => pick(random, corpus).toString('latin1'));
    const [start, between, end] = pick(random, [
      ['[', ',', ']'],
      ['', '', ''],
      ['', '\n\n', '\n\n'],
    ]);
    return Buffer.from(start + parts.join(between) + end, 'latin1');
  }
  return pick(random, corpus);
}

function mutateOnce(bytes, random, corpus) {
  const at = below(random, bytes.length + 1);
  const length = below(random, Math.min(16, bytes.length - at + 1));
  const before = bytes.subarray(0, at);
  switch (below(random, 7)) {
    case 0:
      return Buffer.concat([before, Buffer.from([below(random, 256)]), bytes.subarray(at + 1)]);
    case 1:
      return Buffer.concat([before, pick(random, TOKENS), bytes.subarray(at)]);
    case 2:
      return Buffer.concat([before, pick(random, TOKENS), bytes.subarray(at + length)]);
    case 3:
      return Buffer.concat([before, bytes.subarray(at + length)]);
    case 4:
      return Buffer.concat([before, bytes.subarray(at, at + length), bytes.subarray(at)]);
    case 5:
      return Buffer.concat([before, pick(random, corpus).subarray(0, 64), bytes.subarray(at)]);
    default:
      return before;
  }
}

const LONGEST_BYTES = 64 * 1024;
const MOST_KEPT = 2_000;

/** Makes inputs; those that were good for something new are worked on further. */
export class Inputs {
  #corpus = [...seeds];
  #next = 0;

  constructor(random) {
    this.random = random;
  }

  next() {
    if (this.#next < seeds.length) return seeds[this.#next++];
    let bytes = fresh(this.random, this.#corpus);
    for (let count = below(this.random, 6); count > 0; count -= 1) bytes = mutateOnce(bytes, this.random, this.#corpus);
    return bytes.subarray(0, LONGEST_BYTES);
  }

  keep(bytes) {
    if (this.#corpus.length < MOST_KEPT) this.#corpus.push(Buffer.from(bytes));
    else this.#corpus[seeds.length + below(this.random, MOST_KEPT - seeds.length)] = Buffer.from(bytes);
  }
}
