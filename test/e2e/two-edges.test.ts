import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ElicitRequestSchema, ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import {
  beginEvents,
  eventually,
  type ModernUpstream,
  type ScriptedExchange,
  type ScriptedMessage,
  type ScriptedUpstream,
  startModernUpstream,
  startScriptedUpstream,
} from '@switchyard/testing';
import { randomUUID } from 'node:crypto';
import type { Passed } from './targets/round-robin-proxy.js';
import { startTwoEdges, type TwoEdges } from './targets/two-edges.js';

const FORM = { message: 'Who?', requestedSchema: { type: 'object', properties: { who: { type: 'string' } } } };
const ACCEPTED = { action: 'accept' as const, content: { who: 'Ana' } };

const waiting = new Map<string, (message: ScriptedMessage) => void>();
/** Streams on which the upstream says by itself that its tools have changed. */
const standing = new Set<(message: object) => void>();

/** A legacy server: `form` asks its client in the middle of the call, everything else is answered with progress before it. */
function call({ message, response }: ScriptedExchange): void {
  const send = beginEvents(response);
  const end = (text: string) => {
    send({ jsonrpc: '2.0', id: message.id, result: { content: [{ type: 'text', text }] } });
    response.end();
  };
  if (message.params?.name === 'form') {
    const id = randomUUID();
    waiting.set(id, ({ result }) => end(JSON.stringify(result)));
    return send({ jsonrpc: '2.0', id, method: 'elicitation/create', params: FORM });
  }
  const progressToken = message.params?._meta?.progressToken;
  if (progressToken !== undefined)
    send({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress: 1 } });
  end('worked');
}

let old: ScriptedUpstream;
let modern: ModernUpstream;
let edges: TwoEdges;

beforeAll(async () => {
  old = await startScriptedUpstream({
    name: 'old',
    tools: ['form', 'work'],
    scripts: {
      'tools/call': call,
      answer: ({ message, response }) => {
        waiting.get(String(message.id))?.(message);
        response.writeHead(202).end();
      },
      GET: ({ response }) => {
        const send = beginEvents(response);
        standing.add(send);
        response.once('close', () => standing.delete(send));
      },
    },
  });
  modern = await startModernUpstream({ name: 'modern' });
  edges = await startTwoEdges({ old: old.url, modern: modern.url });
}, 300_000);

afterAll(async () => {
  await edges[Symbol.asyncDispose]();
  await Promise.all([old[Symbol.asyncDispose](), modern[Symbol.asyncDispose]()]);
});

/** As much of a client as these tests use. */
interface Connected extends AsyncDisposable {
  call(name: string, args?: Record<string, unknown>): Promise<string>;
}

type Answerer = () => typeof ACCEPTED | Promise<typeof ACCEPTED>;

const textOf = (result: unknown) => (result as { content: { text: string }[] }).content.map(({ text }) => text).join();
const init = () => ({ requestInit: { headers: { authorization: `Bearer ${edges.key}` } } });
const urlOf = (path: string) => new URL(path, edges.proxy.url);

async function connectV1(transport: Transport, answer: Answerer, onTools?: () => void): Promise<Connected> {
  const client = new ClientV1({ name: 'v1', version: '1' }, { capabilities: { elicitation: {} } });
  client.setRequestHandler(ElicitRequestSchema, answer);
  if (onTools) client.setNotificationHandler(ToolListChangedNotificationSchema, onTools);
  await client.connect(transport);
  return {
    call: async (name, args = {}) => textOf(await client.callTool({ name, arguments: args })),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

async function connectV2(path: string, mode: 'auto' | 'legacy', answer: Answerer): Promise<Connected> {
  const client = new ClientV2(
    { name: 'v2', version: '2' },
    { versionNegotiation: { mode }, capabilities: { elicitation: { form: {} } } },
  );
  client.setRequestHandler('elicitation/create', answer);
  await client.connect(new TransportV2(urlOf(path), init()));
  return {
    call: async (name, args = {}) => textOf(await client.callTool({ name, arguments: args })),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

const accept: Answerer = () => ACCEPTED;
const v1 = (answer = accept) => connectV1(new TransportV1(urlOf('/mcp/old'), init()), answer);
const KINDS: Readonly<Record<string, (answer?: Answerer) => Promise<Connected>>> = {
  'SDK v1': v1,
  'SDK v1 over HTTP with SSE': (answer = accept) => connectV1(new SSEClientTransport(urlOf('/mcp/old/sse'), init()), answer),
  'SDK v2, legacy': (answer = accept) => connectV2('/mcp/old', 'legacy', answer),
  'SDK v2, modern': (answer = accept) => connectV2('/mcp/old', 'auto', answer),
};

/** The requests that something was sent with, since a place in the proxy's list. */
const since = (from: number, part: string): Passed[] => edges.proxy.passed.slice(from).filter(({ body }) => body.includes(part));
const mark = () => edges.proxy.passed.length;

describe('two edges behind a balancer that knows nothing of sessions', () => {
  it.each(Object.keys(KINDS))('TE-1 serve a client of either era from both: %s', async (kind) => {
    const from = mark();
    await using client = await KINDS[kind]!();
    for (let made = 0; made < 6; made += 1) expect(await client.call('work')).toBe('worked');
    expect(new Set(since(from, 'tools/call').map(({ target }) => target))).toEqual(new Set([0, 1]));
  });

  it.each([
    ['SDK v1', () => connectV1(new TransportV1(urlOf('/mcp/modern'), init()), accept)],
    ['SDK v2, modern', () => connectV2('/mcp/modern', 'auto', accept)],
  ] as const)('TE-8 serve a client of either era from both, of a modern upstream: %s', async (_kind, connect) => {
    const from = mark();
    await using client = await connect();
    for (let made = 0; made < 6; made += 1) expect(await client.call('echo', { text: 'hi' })).toBe('modern: hi');
    expect(new Set(since(from, 'tools/call').map(({ target }) => target))).toEqual(new Set([0, 1]));
  });

  it.each(Object.keys(KINDS))('TE-2 take the answer to what an upstream asks at the edge that did not ask: %s', async (kind) => {
    const answered = (from: number) => ({
      calls: since(from, '"name":"form"').filter(({ body }) => !body.includes('inputResponses')),
      answers: since(from, '"Ana"'),
    });
    const from = mark();
    await using client = await KINDS[kind]!();
    // The balancer takes turns: without a request between them, call and answer reach different edges, and with one, the same.
    for (const work of [false, true, false]) {
      if (work) await client.call('work');
      expect(JSON.parse(await client.call('form'))).toEqual(ACCEPTED);
    }
    const { calls, answers } = answered(from);
    expect([calls.length, answers.length]).toEqual([3, 3]);
    expect(calls.some(({ target }, index) => target !== answers[index]!.target)).toBe(true);
  });

  it('TE-3 hand on what an upstream says by itself to the one stream of a session', async () => {
    let told = 0;
    await using client = await connectV1(new TransportV1(urlOf('/mcp/old'), init()), accept, () => (told += 1));
    const from = mark();
    // An edge hears an upstream of which it has a session.
    while (new Set(since(from, 'tools/call').map(({ target }) => target)).size < 2) await client.call('work');
    await eventually(() => standing.size > 0);
    for (const send of standing) send({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
    await eventually(() => told > 0);
  });
});

describe('kill -9 of one of two edges', () => {
  interface Failure {
    readonly kind: string;
    readonly error: unknown;
    /** What the balancer saw of it. */
    readonly passed: readonly Passed[];
  }
  const KILLED = 0;
  const failures: Failure[] = [];
  let calls = 0;
  let callsAfter = 0;
  let killed = false;
  const suspended: { kind: string; outcome: Promise<unknown>; release: () => void }[] = [];
  const clients: { kind: string; client: Connected }[] = [];

  /** A call that waits for its client's answer at the edge that is going to be killed. */
  async function suspend(kind: string): Promise<void> {
    for (;;) {
      const asked = Promise.withResolvers<void>();
      const answer = Promise.withResolvers<typeof ACCEPTED>();
      const client = await KINDS[kind]!(() => {
        asked.resolve();
        return answer.promise;
      });
      const from = mark();
      const outcome = client.call('form').then(
        (text) => ({ text }),
        (error: unknown) => ({ error }),
      );
      await asked.promise;
      const { target } = since(from, 'tools/call')[0]!;
      const release = () => answer.resolve(ACCEPTED);
      if (target === KILLED) return void suspended.push({ kind, outcome, release });
      release();
      await outcome;
      await client[Symbol.asyncDispose]();
    }
  }

  /** Calls one after the other, until some time after the edge has been killed. */
  async function work({ kind, client }: { kind: string; client: Connected }): Promise<void> {
    for (let after = 0; after < 10; after += killed ? 1 : 0) {
      const wasKilled = killed;
      const name = randomUUID();
      calls += 1;
      try {
        expect(await client.call('work', { name })).toBe('worked');
        if (wasKilled) callsAfter += 1;
      } catch (error) {
        failures.push({ kind, error, passed: since(0, name) });
      }
    }
  }

  beforeAll(async () => {
    await suspend('SDK v1');
    await suspend('SDK v2, modern');
    const kinds = ['SDK v1', 'SDK v2, legacy', 'SDK v2, modern'].flatMap((kind) => [kind, kind]);
    clients.push(...(await Promise.all(kinds.map(async (kind) => ({ kind, client: await KINDS[kind]!() })))));
    const working = Promise.all(clients.map(work));
    await eventually(() => calls > 60);
    await edges.kill(KILLED);
    killed = true;
    await working;
  }, 300_000);

  afterAll(async () => {
    await Promise.all(clients.map(({ client }) => client[Symbol.asyncDispose]()));
  });

  it('TE-4 breaks the calls that it had in hand, and no other', () => {
    expect(callsAfter).toBeGreaterThan(clients.length * 5);
    const wrong = failures.filter(
      ({ passed }) => passed.length !== 1 || passed[0]?.target !== KILLED || passed[0].whole === true,
    );
    expect(wrong).toEqual([]);
    expect(new Set(edges.proxy.passed.slice(-20).map(({ target }) => target))).toEqual(new Set([1]));
  });

  it.each([
    ['TE-5 a legacy client', 'SDK v1', 10_503, 'stream_lost'],
    ['TE-6 a modern client', 'SDK v2, modern', 10_410, 'call_lost'],
  ])('ends the call that waited for %s with a clear error', async (_id, kind, code, reason) => {
    const call = suspended.find((one) => one.kind === kind)!;
    const startedAt = performance.now();
    call.release();
    expect(await call.outcome).toMatchObject({ error: { code, data: { reason } } });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  it('TE-7 ends the sessions over HTTP with SSE whose streams it held, and others can be opened', async () => {
    await using client = await KINDS['SDK v1 over HTTP with SSE']!();
    expect(await client.call('work')).toBe('worked');
  });
});
