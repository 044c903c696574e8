import { answerResult, type ScriptedExchange, type ScriptedUpstream, startScriptedUpstream } from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { exchange, type RawAnswer } from './raw-client.fixture.js';

const STATE = 'a"b\\u00e9/é';
const ELICIT = {
  resultType: 'input_required',
  inputRequests: { who: { method: 'elicitation/create', params: { message: 'Who?', requestedSchema: { type: 'object' } } } },
};
const SERVER_INFO = 'io.modelcontextprotocol/serverInfo';
const meta = (capabilities: object) => ({
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': capabilities,
});

/** A server that asks before it does anything. */
function call(scripted: ScriptedExchange): void {
  const { name, inputResponses, requestState } = scripted.message.params as Record<string, unknown>;
  if (name === 'picky') {
    scripted.response.writeHead(400, { 'content-type': 'application/json' });
    const error = { code: -32021, message: 'No sampling.', data: { requiredCapabilities: { sampling: {} } } };
    scripted.response.end(JSON.stringify({ jsonrpc: '2.0', id: scripted.message.id, error }));
  } else if (name === 'stateless' && inputResponses === undefined) answerResult(scripted, ELICIT);
  else if (name === 'garbled') answerResult(scripted, { resultType: 'input_required', inputRequests: { a: 1 } });
  else if (inputResponses === undefined) answerResult(scripted, { ...ELICIT, requestState: STATE });
  else {
    const text = JSON.stringify({ inputResponses, requestState });
    answerResult(scripted, {
      resultType: 'complete',
      content: [{ type: 'text', text }],
      _meta: { [SERVER_INFO]: { name: 'inner', version: '9' }, other: 1 },
    });
  }
}

let upstream: ScriptedUpstream;
let edge: TestEdge;

beforeAll(async () => {
  const modern = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' };
  upstream = await startScriptedUpstream({
    name: 'nova',
    scripts: {
      'server/discover': (scripted) =>
        answerResult(scripted, { ...modern, supportedVersions: ['2026-07-28'], capabilities: { tools: {} } }),
      'tools/call': call,
    },
  });
  edge = await startTestEdge();
  const open = { sources: [{ upstream: 'nova', tools: ['*'] }], access: [{ everyone: true }] };
  await edge.publish({
    upstreams: [{ name: 'nova', transport: { case: 'http', value: { url: upstream.url } }, timeoutMs: 10_000 }],
    servers: [
      { slug: 'one', ...open },
      { slug: 'two', ...open },
    ],
  });
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

interface Sent {
  readonly name?: string;
  readonly args?: object;
  readonly capabilities?: object;
  readonly retry?: object;
  readonly slug?: string;
  readonly key?: string;
}

function send({
  name = 'ask',
  args = { n: 1 },
  capabilities = { elicitation: {} },
  retry,
  slug = 'one',
  key,
}: Sent): Promise<RawAnswer> {
  return exchange(edge.url, {
    path: `/mcp/${slug}`,
    key: key ?? edge.key,
    headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name },
    body: {
      jsonrpc: '2.0',
      id: 'c-1',
      method: 'tools/call',
      params: { name, arguments: args, ...retry, _meta: meta(capabilities) },
    },
  });
}

const resultOf = ({ messages }: RawAnswer) => messages[0]?.result ?? {};
const ANSWERS = { who: { action: 'accept', content: { n: 1 } } };

async function stateFor(sent: Sent): Promise<string> {
  const { requestState } = resultOf(await send(sent));
  if (typeof requestState !== 'string') throw new Error('no state was given');
  return requestState;
}

describe('results that ask for input (MCP 2026-07-28, "Multi Round-Trip Requests")', () => {
  it('MR-1 come with a sealed state, which the upstream gets back as it gave it', async () => {
    const first = resultOf(await send({}));
    expect(first).toMatchObject({ ...ELICIT, _meta: { [SERVER_INFO]: { name: 'switchyard' } } });
    expect(Buffer.from(String(first.requestState), 'base64url').toString('latin1')).not.toContain('a"b');
    const second = resultOf(await send({ retry: { inputResponses: ANSWERS, requestState: first.requestState } }));
    const [content] = second.content as { text: string }[];
    expect(JSON.parse(content?.text ?? '')).toEqual({ inputResponses: ANSWERS, requestState: STATE });
  });

  it('MR-2 without a state are answered without one', async () => {
    const first = resultOf(await send({ name: 'stateless' }));
    expect(first.requestState).toBeUndefined();
    const second = await send({ name: 'stateless', retry: { inputResponses: ANSWERS } });
    expect(second.text).toContain('"other":1');
  });

  it('MR-3 a result’s server is the gateway', async () => {
    const { _meta } = resultOf(await send({ name: 'stateless', retry: { inputResponses: ANSWERS } }));
    expect(_meta).toEqual({ [SERVER_INFO]: expect.objectContaining({ name: 'switchyard' }) as object, other: 1 });
  });

  it('MR-4 the client’s capabilities are passed on as they are', async () => {
    const before = upstream.received.length;
    const extensions = { 'io.modelcontextprotocol/ui': { mimeTypes: ['x'] }, 'com.example/unknown': { deep: [1.5] } };
    await send({ capabilities: { elicitation: { url: {} }, extensions } });
    const { params } = JSON.parse(upstream.received[before]?.body ?? '') as { params: { _meta: object } };
    expect(params._meta).toEqual(meta({ elicitation: { url: {} }, extensions }));
  });

  it('MR-5 the error for a missing capability is the upstream’s own, with HTTP 400', async () => {
    const { status, messages } = await send({ name: 'picky' });
    expect(status).toBe(400);
    expect(messages[0]?.error).toMatchObject({ code: -32021, data: { requiredCapabilities: { sampling: {} } } });
  });

  it('MR-6 what the client has not declared is not asked', async () => {
    const { status, messages } = await send({ capabilities: { sampling: {} } });
    expect(status).toBe(400);
    const data = { reason: 'client_capability_missing', requiredCapabilities: { elicitation: { form: {} } } };
    expect(messages[0]?.error).toMatchObject({ code: -32021, data });
  });

  it('MR-7 one that cannot be read is the upstream’s fault', async () => {
    expect((await send({ name: 'garbled' })).messages[0]?.error).toMatchObject({ data: { reason: 'upstream_invalid' } });
  });
});

describe('a requestState that is not for the request (E15)', () => {
  const altered = (state: string) => `${state.slice(0, -2)}${state.endsWith('A') ? 'B' : 'A'}${state.slice(-1)}`;
  it.each<readonly [id: string, change: (state: string) => Promise<Sent & { state?: unknown }>]>([
    ['RS-altered', (state) => Promise.resolve({ state: altered(state) })],
    ['RS-cut', (state) => Promise.resolve({ state: state.slice(0, 20) })],
    ['RS-made-up', () => Promise.resolve({ state: 'state' })],
    ['RS-number', () => Promise.resolve({ state: 1 })],
    ['RS-other-arguments', () => Promise.resolve({ args: { n: 2 } })],
    ['RS-other-tool', () => Promise.resolve({ name: 'stateless' })],
    ['RS-other-server', () => Promise.resolve({ slug: 'two' })],
    ['RS-other-caller', async () => ({ key: await edge.mint({ name: 'other', servers: ['*'] }) })],
  ])('%s is refused, recorded, and not passed on', async (id, change) => {
    const given = await stateFor({});
    const { state = given, ...sent } = await change(given);
    const before = upstream.received.length;
    const { status, messages, headers } = await send({ ...sent, retry: { inputResponses: ANSWERS, requestState: state } });
    expect([id, status]).toEqual([id, 200]);
    expect(messages[0]?.error).toMatchObject({ code: -32602, data: { reason: 'request_state_invalid' } });
    expect(upstream.received.length).toBe(before);
    const event = await edge.event(({ request_id }) => request_id === headers['x-request-id']);
    expect(event).toMatchObject({ type: 'tool.called', outcome: 'error', reason: 'request_state_invalid', rpc_code: -32602 });
  });
});

describe('an upstream that refuses the probe for its version, and lists that version', () => {
  it('PV-1 is asked once more', async () => {
    let refusals = 0;
    await using late = await startScriptedUpstream({
      name: 'late',
      scripts: {
        'server/discover': (scripted) => {
          refusals += 1;
          if (refusals > 1)
            return answerResult(scripted, {
              resultType: 'complete',
              supportedVersions: ['2026-07-28'],
              capabilities: { tools: {} },
            });
          const error = { code: -32022, message: 'No.', data: { supported: ['2026-07-28'], requested: '2026-07-28' } };
          scripted.response.writeHead(400, { 'content-type': 'application/json' });
          scripted.response.end(JSON.stringify({ jsonrpc: '2.0', id: scripted.message.id, error }));
        },
        'tools/call': call,
      },
    });
    await using own = await startTestEdge();
    await own.publish({
      upstreams: [{ name: 'late', transport: { case: 'http', value: { url: late.url } }, timeoutMs: 10_000 }],
      servers: [{ slug: 'one', sources: [{ upstream: 'late', tools: ['*'] }], access: [{ everyone: true }] }],
    });
    const { messages } = await exchange(own.url, {
      path: '/mcp/one',
      key: own.key,
      headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'stateless' },
      body: {
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'stateless', arguments: {}, _meta: meta({ elicitation: {} }) },
      },
    });
    expect(messages[0]?.result).toMatchObject({ resultType: 'input_required' });
    expect(refusals).toBe(2);
  });
});
