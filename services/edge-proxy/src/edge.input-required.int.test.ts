import { answerResult, type ScriptedExchange, type ScriptedUpstream, startScriptedUpstream } from '@switchyard/testing';
import { systemClock } from '@switchyard/runtime';
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

/** How far the edge's clock is ahead. */
let skewMs = 0;
let upstream: ScriptedUpstream;
let edge: TestEdge;

beforeAll(async () => {
  const modern = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' };
  upstream = await startScriptedUpstream({
    name: 'nova',
    scripts: {
      'server/discover': (scripted) =>
        answerResult(scripted, { ...modern, supportedVersions: ['2026-07-28'], capabilities: { tools: {}, prompts: {} } }),
      'tools/call': call,
      'prompts/get': call,
    },
  });
  edge = await startTestEdge({ clock: { ...systemClock, now: () => systemClock.now() + skewMs } });
  const open = { sources: [{ upstream: 'nova', tools: ['*'], prompts: ['*'] }], access: [{ everyone: true }] };
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
  readonly method?: string;
}

function send({
  name = 'ask',
  args = { n: 1 },
  capabilities = { elicitation: {} },
  retry,
  slug = 'one',
  key,
  method = 'tools/call',
}: Sent): Promise<RawAnswer> {
  return exchange(edge.url, {
    path: `/mcp/${slug}`,
    key: key ?? edge.key,
    headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, 'mcp-name': name },
    body: {
      jsonrpc: '2.0',
      id: 'c-1',
      method,
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
  const altered = (state: string) => `${state.slice(0, -2)}${state.at(-2) === 'A' ? 'B' : 'A'}${state.slice(-1)}`;
  it.each<readonly [id: string, change: (state: string) => Promise<Sent & { state?: unknown }>]>([
    ['E15.a altered', (state) => Promise.resolve({ state: altered(state) })],
    ['E15.b cut', (state) => Promise.resolve({ state: state.slice(0, 20) })],
    ['E15.c made up', () => Promise.resolve({ state: 'state' })],
    ['E15.d number', () => Promise.resolve({ state: 1 })],
    ['E15.e other arguments', () => Promise.resolve({ args: { n: 2 } })],
    ['E15.f other tool', () => Promise.resolve({ name: 'stateless' })],
    ['E15.g other server', () => Promise.resolve({ slug: 'two' })],
    ['E15.j of a request that is too old', (state) => Promise.resolve(((skewMs = 600_000), { state }))],
    ['E15.i other method', () => Promise.resolve({ method: 'prompts/get' })],
    ['E15.h other caller', async () => ({ key: await edge.mint({ name: 'other', servers: ['*'] }) })],
  ])('%s is refused, recorded, and not passed on', async (id, change) => {
    skewMs = 0;
    const given = await stateFor({});
    const { state = given, ...sent } = await change(given);
    const before = upstream.received.length;
    const { status, messages, headers } = await send({ ...sent, retry: { inputResponses: ANSWERS, requestState: state } });
    expect([id, status]).toEqual([id, 200]);
    expect(messages[0]?.error).toMatchObject({ code: -32602, data: { reason: 'request_state_invalid' } });
    expect(upstream.received.length).toBe(before);
    const event = await edge.event(({ request_id }) => request_id === headers['x-request-id']);
    const type = sent.method === 'prompts/get' ? 'prompt.got' : 'tool.called';
    const code = { outcome: 'error', reason: 'request_state_invalid', rpc_code: -32602, http_status: 200 };
    expect(event).toMatchObject({ type, ...code });
    const because = id.includes('too old') ? 'expired' : 'not_for_this_request';
    expect(event.detail).toMatchObject({ because });
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
        'prompts/get': call,
      },
    });
    await using own = await startTestEdge();
    await own.publish({
      upstreams: [{ name: 'late', transport: { case: 'http', value: { url: late.url } }, timeoutMs: 10_000 }],
      servers: [{ slug: 'one', sources: [{ upstream: 'late', tools: ['*'], prompts: ['*'] }], access: [{ everyone: true }] }],
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
