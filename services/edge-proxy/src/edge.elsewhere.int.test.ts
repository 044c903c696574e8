import { BUCKETS, DEFAULT_TENANT, EdgeService } from '@switchyard/contracts';
import { methodFor, scanMessage } from '@switchyard/mcp';
import { systemClock } from '@switchyard/runtime';
import {
  answerResult,
  beginEvents,
  eventually,
  expectWithin,
  natsUrl,
  type ScriptedExchange,
  type ScriptedMessage,
  type ScriptedUpstream,
  startScriptedUpstream,
} from '@switchyard/testing';
import { randomUUID } from 'node:crypto';
import { callerOf } from './caller.js';
import { EdgeContents } from './edge-contents.js';
import { EdgeKey } from './edge-key.js';
import { EdgePeers } from './edge-peers.js';
import { Facts } from './facts.js';
import { Refusal } from './refusal.js';
import { RequestStates } from './request-state.js';
import { UNBOUND } from './caller-scopes.js';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { exchange, messagesIn, open, type RawAnswer, type RawRequest } from './raw-client.fixture.js';

const { resumeCall, readRound } = EdgeService.method;
const FORM = { message: 'Who?', requestedSchema: { type: 'object', properties: { name: { type: 'string' } } } };
const LARGE = 'x'.repeat(3 * 1024 * 1024);

/** Answers to the upstream's own requests, by their id. */
const waiting = new Map<string, (message: ScriptedMessage) => void>();
/** Calls that have been answered by their client, and wait for what the test lets the upstream do. */
let held: { readonly say: (message: object) => void; readonly end: (text: string) => void }[] = [];

/** A legacy server that asks its client in the middle of a call. */
async function call({ message, response }: ScriptedExchange): Promise<void> {
  const send = beginEvents(response);
  const ask = () =>
    new Promise<ScriptedMessage>((resolve) => {
      const id = randomUUID();
      waiting.set(id, resolve);
      send({ jsonrpc: '2.0', id, method: 'elicitation/create', params: FORM });
    });
  const end = (text: string) => {
    send({ jsonrpc: '2.0', id: message.id, result: { content: [{ type: 'text', text }] } });
    response.end();
  };
  const { result } = await ask();
  const { name } = message.params ?? {};
  if (name === 'twice') end(JSON.stringify([result, (await ask()).result]));
  else if (name === 'held') {
    const progressToken = message.params?._meta?.progressToken;
    const say = (params: object) =>
      send({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, ...params } });
    held.push({ say, end });
  } else end(name === 'large' ? LARGE : JSON.stringify(result));
}

let upstream: ScriptedUpstream;

beforeAll(async () => {
  upstream = await startScriptedUpstream({
    name: 'old',
    tools: ['form', 'twice', 'held', 'large'],
    scripts: {
      'logging/setLevel': (scripted) => answerResult(scripted, {}),
      'tools/call': (scripted) => void call(scripted),
      answer: ({ message, response }) => {
        waiting.get(String(message.id))?.(message);
        response.writeHead(202).end();
      },
    },
  });
});

afterAll(() => upstream[Symbol.asyncDispose]());

const snapshot = () => ({
  upstreams: [{ name: 'old', transport: { case: 'http' as const, value: { url: upstream.url } }, timeoutMs: 20_000 }],
  servers: ['old', 'other'].map((slug) => ({ slug, sources: [{ upstream: 'old', tools: ['*'] }], access: [{ everyone: true }] })),
});

interface Sent {
  readonly retry?: object;
  readonly key?: string;
  readonly path?: string;
  readonly argument?: string;
  readonly progressToken?: string;
}

const last = ({ messages }: RawAnswer) => messages.at(-1) ?? {};
const textOf = (answer: RawAnswer) => (last(answer).result?.content as { text: string }[] | undefined)?.[0]?.text;
const cancelled = () => upstream.received.filter(({ body }) => body.includes('notifications/cancelled')).length;

describe.each<[string, () => string | undefined]>([
  ['in process', () => undefined],
  ['over NATS', natsUrl],
])('edges that reach each other %s', (_transport, url) => {
  let edge: TestEdge;
  let other: TestEdge;

  beforeEach(async () => {
    held = [];
    const nats = url();
    edge = await startTestEdge(nats === undefined ? {} : { natsUrl: nats });
    other = await startTestEdge({ beside: edge, ...(nats !== undefined && { natsUrl: nats }) });
    await edge.publish(snapshot());
    await other.publish(snapshot());
  });
  afterEach(async () => {
    await other[Symbol.asyncDispose]();
    await edge[Symbol.asyncDispose]();
  });

  function requestOf(name: string, { retry, key = edge.key, path = '/mcp/old', argument, progressToken }: Sent = {}): RawRequest {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
      ...(progressToken !== undefined && { progressToken }),
    };
    const params = { name, arguments: argument === undefined ? {} : { argument }, ...retry, _meta };
    return {
      path,
      key,
      headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name },
      body: { jsonrpc: '2.0', id: randomUUID(), method: 'tools/call', params },
    };
  }

  const asked = (answer: RawAnswer) =>
    last(answer).result as { resultType: string; inputRequests: Record<string, object>; requestState: string };
  const at = (on: TestEdge, name: string, sent: Sent = {}): Promise<RawAnswer> => exchange(on.url, requestOf(name, sent));
  const retryOf = ({ inputRequests, requestState }: ReturnType<typeof asked>, content: object = { name: 'Ana' }) => ({
    inputResponses: Object.fromEntries(Object.keys(inputRequests).map((key) => [key, { action: 'accept', content }])),
    requestState,
  });
  const accepted = (content: object = { name: 'Ana' }) => ({ action: 'accept', content });

  it('EW-1 a retry reaches the edge where its call waits, and is recorded once, where it was made', async () => {
    const first = asked(await at(edge, 'form'));
    const answer = await at(other, 'form', { retry: retryOf(first) });
    expect(last(answer).result).toMatchObject({ resultType: 'complete', content: [{ text: JSON.stringify(accepted()) }] });
    const called = await other.event(({ type }) => type === 'tool.called');
    expect(called).toMatchObject({ outcome: 'ok', upstream: 'old', capability: 'form' });
    expect(Number(called.upstream_us)).toBeGreaterThan(0);
    const hop = await edge.event(({ type, request_id }) => type === 'proxy.hop' && request_id === called.request_id);
    expect(hop).toMatchObject({ upstream: 'old', trace_id: called.trace_id });
    expect(edge.events.filter((event) => event.request_id === called.request_id)).toEqual([hop]);
  });

  it('EW-2 rounds may go to a different edge each', async () => {
    const first = asked(await at(edge, 'twice'));
    const second = asked(await at(other, 'twice', { retry: retryOf(first, { name: 'one' }) }));
    expect(second.resultType).toBe('input_required');
    const third = await at(edge, 'twice', { retry: retryOf(second, { name: 'two' }) });
    expect(textOf(third)).toBe(JSON.stringify([accepted({ name: 'one' }), accepted({ name: 'two' })]));
  });

  it('EW-3 what the upstream says meanwhile comes as it is said, and the result after it', async () => {
    const first = asked(await at(edge, 'held', { progressToken: 'p-0' }));
    const opening = open(other.url, requestOf('held', { retry: retryOf(first), progressToken: 'p-1' }));
    const { say, end } = await eventually(() => held[0] ?? false);
    for (let progress = 1; progress <= 10; progress += 1) say({ progress });
    const answer = await opening;
    await eventually(() => answer.text().includes('"progress":10'));
    expect(answer.text()).not.toContain('"result"');
    end('done');
    await answer.ended;
    const messages = messagesIn(answer.text());
    expect(messages.slice(0, -1).map(({ params }) => [params?.progress, params?.progressToken])).toEqual(
      Array.from({ length: 10 }, (_, index) => [index + 1, 'p-1']),
    );
    expect(messages.at(-1)?.result).toMatchObject({ content: [{ text: 'done' }] });
  });

  it('EW-4 results and answers larger than a message of NATS arrive whole', async () => {
    const large = asked(await at(edge, 'large'));
    expect(textOf(await at(other, 'large', { retry: retryOf(large) }))).toBe(LARGE);
    const form = asked(await at(edge, 'form'));
    const content = { name: LARGE };
    expect(textOf(await at(other, 'form', { retry: retryOf(form, content) }))).toBe(JSON.stringify(accepted(content)));
  });

  it.each([
    ['EW-5a another caller', async () => ({ key: await edge.mint({ name: 'stranger', servers: ['*'] }) })],
    ['EW-5b another server', () => Promise.resolve({ path: '/mcp/other' })],
    ['EW-5c other parameters', () => Promise.resolve({ argument: 'changed' })],
  ] as const)('%s does not go on with the call, and it goes on waiting', async (_id, difference) => {
    const first = asked(await at(edge, 'form'));
    const answer = await at(other, 'form', { retry: retryOf(first), ...(await difference()) });
    expect(last(answer).error).toMatchObject({ code: -32602, data: { reason: 'request_state_invalid' } });
    expect(textOf(await at(other, 'form', { retry: retryOf(first) }))).toBe(JSON.stringify(accepted()));
  });

  it('EW-5d what another edge claims is not believed: the state opens for whom it was given, and nobody else', async () => {
    const request = requestOf('form', { retry: retryOf(asked(await at(edge, 'form'))) });
    const key = await EdgeKey.open(await edge.state.bucket(BUCKETS.sessions, DEFAULT_TENANT));
    const contents = new EdgeContents(await edge.state.bucket(BUCKETS.streams, DEFAULT_TENANT), key);
    const peers = new EdgePeers(other.rpc, 'a-liar', contents);
    const bytes = Buffer.from(JSON.stringify(request.body));
    const envelope = scanMessage(bytes);
    if (!envelope.ok) throw new Error(envelope.message);
    const event = await edge.event(({ type }) => type === 'tool.called');
    const { principal_issuer: issuer = '', principal_subject: subject = '', client_id: clientId = '' } = event;
    const person = { tenant: DEFAULT_TENANT, issuer, subject, name: '', kind: 'service' as const, claims: [], clientId };
    const inbound = { bytes, envelope, era: 'modern' as const, revision: '', row: methodFor('modern', 'tools/call')! };
    const bound = {
      caller: callerOf(person, clientId, UNBOUND),
      inbound,
      exchange: { server: { slug: 'old' }, facts: new Facts('') },
    };
    const state = new RequestStates(key, systemClock).read(bound, 'old');
    if (state instanceof Refusal || state.suspended === undefined) throw new Error('the state does not open');
    const outcomeOf = async (claimed: object) => {
      const round = randomUUID();
      const from = { server: 'old', requestId: 'r', traceparent: '', person, ...claimed };
      await peers.ask(state.suspended!.edge, resumeCall, {
        asked: from,
        round,
        upstream: 'old',
        message: await contents.pack(bytes),
      });
      const read = await peers.ask(state.suspended!.edge, readRound, { round, after: 0 });
      await peers.ask(state.suspended!.edge, readRound, { round, after: 0, gone: true });
      return read?.end?.end.case === 'refused' ? read.end.end.value.reason : read?.end?.end.case;
    };
    for (const claimed of [
      { person: { ...person, subject: 'else' } },
      { person: { ...person, clientId: 'else' } },
      { server: 'other' },
    ])
      expect(await outcomeOf(claimed)).toBe('request_state_invalid');
    expect(await outcomeOf({})).toBe('response');
    await peers.close();
  });

  it('EW-6 a state is good for one retry, wherever it is made', async () => {
    const first = asked(await at(edge, 'form'));
    await at(other, 'form', { retry: retryOf(first) });
    for (const on of [other, edge])
      expect(last(await at(on, 'form', { retry: retryOf(first) })).error?.data.reason).toBe('request_state_invalid');
  });

  it('EW-7 a client that goes away cancels the call where it is', async () => {
    const before = cancelled();
    const first = asked(await at(edge, 'held', { progressToken: 'p-0' }));
    const request = requestOf('held', { retry: retryOf(first), progressToken: 'p-7' });
    const opening = open(other.url, request);
    (await eventually(() => held[0] ?? false)).say({ progress: 1 });
    (await opening).leave();
    await eventually(() => cancelled() === before + 1);
    const event = await other.event(({ type, outcome }) => type === 'tool.called' && outcome === 'cancelled');
    expect(event.reason).toBe('cancelled');
  });

  it('EW-8 where the edge that held the call is no more, the client is told so at once', async () => {
    const states = [asked(await at(edge, 'form')), asked(await at(edge, 'form')), asked(await at(edge, 'form'))];
    await edge.edge.close();
    await expectWithin(2_000, async () => {
      const startedAt = performance.now();
      const answer = await at(other, 'form', { retry: retryOf(states.pop()!) });
      expect(last(answer).error).toMatchObject({ code: 10410, data: { reason: 'call_lost' } });
      return performance.now() - startedAt;
    });
  });

  it('EW-9 an edge that is stopped lets a call finish that another was asked for', async () => {
    const first = asked(await at(edge, 'held'));
    const answering = at(other, 'held', { retry: retryOf(first) });
    const { end } = await eventually(() => held[0] ?? false);
    const closing = edge.edge.close();
    end('finished');
    expect(textOf(await answering)).toBe('finished');
    await closing;
  });
});

it('EW-10 an edge that is killed in the middle of a round ends it with an error', async () => {
  held = [];
  const dying = await startTestEdge({ natsUrl: natsUrl(), limits: { drainTimeoutMs: 100 } });
  await using other = await startTestEdge({ beside: dying, natsUrl: natsUrl() });
  await dying.publish(snapshot());
  await other.publish(snapshot());
  const sent = (retry: object): RawRequest => ({
    path: '/mcp/old',
    key: dying.key,
    headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'held' },
    body: {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: {
        name: 'held',
        ...retry,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
        },
      },
    },
  });
  const { requestState } = last(await exchange(dying.url, sent({}))).result as { requestState: string };
  const answering = exchange(other.url, sent({ requestState, inputResponses: { 'ask-1': { action: 'cancel' } } }));
  await eventually(() => held.length === 1);
  await dying.nats!.connection.close();
  expect(last(await answering).error).toMatchObject({ code: 10410, data: { reason: 'call_lost' } });
  await dying[Symbol.asyncDispose]();
}, 300_000);
