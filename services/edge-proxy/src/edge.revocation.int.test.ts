import { encodeRevoked, revocableName, type Revoked } from '@switchyard/api-keys';
import { BUCKETS, DEFAULT_TENANT } from '@switchyard/contracts';
import { eventually, expectWithin, type ScriptedUpstream, startScriptedUpstream } from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { callOf, exchange, INITIALIZE, messagesIn, open, openSession, type OpenAnswer } from './raw-client.fixture.js';
import { startTokenIssuer, type TokenIssuer } from './token-issuer.fixture.js';

const REVISION = '2026-07-28';
const undo = new AsyncDisposableStack();
let issuer: TokenIssuer;
let upstream: ScriptedUpstream;
let edge: TestEdge;
let hanging = 0;

beforeAll(async () => {
  issuer = undo.use(await startTokenIssuer());
  upstream = undo.use(
    await startScriptedUpstream({
      name: 'up',
      tools: ['act', 'hang'],
      scripts: {
        'tools/call': ({ message, response }) => {
          if (message.params?.name === 'hang') {
            hanging += 1;
            response.on('close', () => (hanging -= 1));
            return;
          }
          response.writeHead(200, { 'content-type': 'application/json' });
          response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: { content: [] } }));
        },
      },
    }),
  );
  edge = undo.use(await startTestEdge({ authServer: issuer.url }));
  const source = { upstream: 'up', tools: ['*'] };
  await edge.publish({
    upstreams: [{ name: 'up', transport: { case: 'http', value: { url: upstream.url } }, timeoutMs: 20_000 }],
    servers: [{ slug: 'work', sources: [source], access: [{ everyone: true }] }],
  });
});
afterAll(() => undo.disposeAsync());

/** As the authorization server does. */
async function revoke(revoked: Revoked): Promise<void> {
  const bucket = await edge.state.bucket(BUCKETS.revocations, DEFAULT_TENANT);
  await bucket.put(revocableName(revoked.kind, revoked.id), encodeRevoked(revoked), { ttlMs: 60_000 });
}

let last = 0;
/** Somebody with a grant of their own. */
function somebody() {
  last += 1;
  const names = { sub: `u${last}`, client_id: `client-${last}`, sy_grant: `g${last}`, jti: `j${last}` };
  const grantedAt = Math.floor(Date.now() / 1000) - 60;
  return { ...names, grantedAt, key: issuer.token(edge.url, '/mcp/work', { ...names, sy_granted_at: grantedAt }) };
}

const modern = (method: string, params: object = {}) => ({
  path: '/mcp/work',
  headers: {
    'mcp-protocol-version': REVISION,
    'mcp-method': method,
    ...('name' in params ? { 'mcp-name': String(params.name) } : {}),
  },
  body: {
    ...{ jsonrpc: '2.0', id: 7, method },
    params: {
      ...params,
      _meta: { 'io.modelcontextprotocol/protocolVersion': REVISION, 'io.modelcontextprotocol/clientCapabilities': {} },
    },
  },
});

const list = (key: string) => exchange(edge.url, { ...modern('tools/list'), key });
const statusOf = async (key: string) => (await list(key)).status;

/** How long it is still let in. */
async function refusedAfterMs(key: string): Promise<number> {
  const fromMs = performance.now();
  await eventually(async () => expect(await statusOf(key)).toBe(401));
  return performance.now() - fromMs;
}

/** What ends things of one caller, of those that may. */
const KINDS: [id: string, revoked: (who: ReturnType<typeof somebody>) => Revoked][] = [
  ['A20 its token', ({ jti: id }) => ({ kind: 'token', id })],
  ['A1, A2 its grant', ({ sy_grant: id }) => ({ kind: 'grant', id })],
  ['A19 its person', ({ sub: id }) => ({ kind: 'person', id, grantedUntilMs: Date.now() })],
  ['its client', ({ client_id: id }) => ({ kind: 'client', id, grantedUntilMs: Date.now() })],
];

describe('an edge that hears that something is revoked', () => {
  it.each(KINDS)('refuses what it has let in before: %s', async (_id, revoked) => {
    const other = somebody();
    let one = somebody();
    await expectWithin(1_000, async () => {
      one = somebody();
      expect(await Promise.all([one, other].map(({ key }) => statusOf(key)))).toEqual([200, 200]);
      await revoke(revoked(one));
      return refusedAfterMs(one.key);
    });
    const answer = await list(one.key);
    expect(answer.messages[0]?.error).toMatchObject({ code: 10401, data: { reason: 'token_revoked' } });
    expect(answer.headers['www-authenticate']).toContain('error="invalid_token"');
    const requestId = answer.headers['x-request-id'];
    expect(await edge.event(({ request_id }) => request_id === requestId)).toMatchObject({
      type: 'auth.rejected',
      outcome: 'denied',
      reason: 'token_revoked',
    });
    expect(await statusOf(other.key)).toBe(200);
  });

  it.each(KINDS)('refuses what it has never seen: %s', async (_id, revoked) => {
    await expectWithin(1_000, async () => {
      const one = somebody();
      await revoke(revoked(one));
      return refusedAfterMs(one.key);
    });
  });

  it('A19 lets somebody in again who has signed in again', async () => {
    const one = somebody();
    await revoke({ kind: 'person', id: one.sub, grantedUntilMs: one.grantedAt * 1000 });
    await refusedAfterMs(one.key);
    const anew = issuer.token(edge.url, '/mcp/work', { sub: one.sub, sy_grant: 'anew', sy_granted_at: one.grantedAt + 1 });
    expect(await statusOf(anew)).toBe(200);
  });

  it('refuses an API key, and ends its stream', async () => {
    const key = await edge.mint({ name: 'one', servers: ['*'] });
    const stream = await listening(key);
    const ids = await (await edge.state.bucket(BUCKETS.apiKeys, DEFAULT_TENANT)).keys();
    const id = ids.find((one) => key.includes(one)) ?? '';
    await revoke({ kind: 'api-key', id });
    await stream.ended;
    expect((await list(key)).messages[0]?.error).toMatchObject({ data: { reason: 'token_revoked' } });
    expect(await statusOf(edge.key)).toBe(200);
  });
});

/** `subscriptions/listen` that has begun. */
async function listening(key: string): Promise<OpenAnswer> {
  const stream = await open(edge.url, { ...modern('subscriptions/listen', { notifications: { toolsListChanged: true } }), key });
  expect(stream.status).toBe(200);
  return stream;
}

async function standing(key: string): Promise<OpenAnswer> {
  const session = await openSession(edge.url, '/mcp/work', key);
  const stream = await open(edge.url, {
    path: '/mcp/work',
    method: 'GET',
    key,
    session,
    headers: { accept: 'text/event-stream' },
  });
  expect(stream.status).toBe(200);
  return stream;
}

async function oldest(key: string): Promise<OpenAnswer> {
  const stream = await open(edge.url, { path: '/mcp/work/sse', method: 'GET', key, headers: { accept: 'text/event-stream' } });
  await eventually(() => stream.text().includes('event: endpoint'));
  return stream;
}

const STREAMS: [id: string, begin: (key: string) => Promise<OpenAnswer>][] = [
  ['the standing stream of a session', standing],
  ['the stream of HTTP with SSE', oldest],
  ['subscriptions/listen', listening],
];

describe.each(KINDS)('what has begun ends with %s', (_id, revoked) => {
  it.each(STREAMS)('%s', async (_what, begin) => {
    await expectWithin(1_000, async () => {
      const [one, other] = [somebody(), somebody()];
      const [ends, stays] = [await begin(one.key), await begin(other.key)];
      let stayed = true;
      void stays.ended.then(() => (stayed = false));
      const beganAt = performance.now();
      await revoke(revoked(one));
      await ends.ended;
      const tookMs = performance.now() - beganAt;
      if (begin === listening) expect(messagesIn(ends.text()).at(-1)?.result).toMatchObject({ resultType: 'complete' });
      expect(await statusOf(other.key)).toBe(200);
      expect(stayed).toBe(true);
      stays.leave();
      return tookMs;
    });
  });

  it.each(['legacy', 'modern'])('a call under way, %s: its client hears why, and its upstream nothing more', async (era) => {
    const one = somebody();
    const session = era === 'legacy' ? await openSession(edge.url, '/mcp/work', one.key) : undefined;
    const before = hanging;
    const request =
      session === undefined ? modern('tools/call', { name: 'hang', arguments: {} }) : { path: '/mcp/work', session };
    const calling = exchange(edge.url, { body: callOf('hang'), ...request, key: one.key });
    await eventually(() => hanging === before + 1);
    await revoke(revoked(one));
    const answer = await calling;
    expect([answer.status, answer.messages[0]?.error?.data.reason]).toEqual([401, 'token_revoked']);
    await eventually(() => hanging === before);
    const requestId = answer.headers['x-request-id'];
    const recorded = await edge.event(({ request_id, type }) => request_id === requestId && type === 'tool.called');
    expect(recorded).toMatchObject({
      outcome: 'denied',
      reason: 'token_revoked',
      principal_subject: one.sub,
      capability: 'hang',
    });
  });

  it('a session: who comes back to it with another token has to begin a new one', async () => {
    const one = somebody();
    const session = await openSession(edge.url, '/mcp/work', one.key);
    const ping = { path: '/mcp/work', session, body: { jsonrpc: '2.0', id: 1, method: 'ping' } };
    expect((await exchange(edge.url, { ...ping, key: one.key })).status).toBe(200);
    await revoke(revoked(one));
    const { sub, client_id } = one;
    const anew = issuer.token(edge.url, '/mcp/work', {
      sub,
      client_id,
      sy_grant: `${one.sy_grant}-anew`,
      sy_granted_at: one.grantedAt + 3_600,
    });
    await eventually(async () => expect((await exchange(edge.url, { ...ping, key: anew })).status).toBe(404));
    expect((await exchange(edge.url, { path: '/mcp/work', key: anew, body: INITIALIZE })).status).toBe(200);
  });
});
