import { encodeRevoked, revocableName } from '@switchyard/api-keys';
import { BUCKETS, DEFAULT_TENANT } from '@switchyard/contracts';
import { connectNats } from '@switchyard/messaging';
import { type Clock, systemClock } from '@switchyard/runtime';
import { NatsState } from '@switchyard/state';
import {
  type CuttableWire,
  cuttableWire,
  eventually,
  type NatsServer,
  type ScriptedUpstream,
  startNats,
  startScriptedUpstream,
  tempDir,
} from '@switchyard/testing';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { exchange, open } from './raw-client.fixture.js';
import { startTokenIssuer, type TokenIssuer } from './token-issuer.fixture.js';

const REVISION = '2026-07-28';

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
const LIST = modern('tools/list');
const CALL = modern('tools/call', { name: 'act', arguments: {} });

/** The machine's clock, and time that has not passed. */
function movable(): Clock & { skip(ms: number): void } {
  let skippedMs = 0;
  return {
    now: () => systemClock.now() + skippedMs,
    monotonicMicros: () => systemClock.monotonicMicros() + skippedMs * 1000,
    skip: (ms) => void (skippedMs += ms),
  };
}

describe('an edge that is cut off from what is revoked', () => {
  const undo = new AsyncDisposableStack();
  const clock = movable();
  let nats: NatsServer;
  let wire: CuttableWire;
  let issuer: TokenIssuer;
  let upstream: ScriptedUpstream;
  let edge: TestEdge;
  let token: string;

  const openState = async (url: string, user?: string): Promise<NatsState> => {
    const credentials = user === undefined ? {} : { user, password: user };
    const link = await connectNats({ servers: [url], name: 'test', ...credentials });
    undo.defer(() => link.close());
    return NatsState.open(link, { timeoutMs: 1_000 });
  };
  const serve = async (served: TestEdge) => {
    const source = { upstream: 'up', tools: ['*'] };
    await served.publish({
      upstreams: [{ name: 'up', transport: { case: 'http', value: { url: upstream.url } }, timeoutMs: 20_000 }],
      servers: [
        { slug: 'work', sources: [source], access: [{ everyone: true }] },
        { slug: 'open', sources: [source], access: [{ anonymous: true }] },
      ],
    });
  };

  beforeAll(async () => {
    const dir = undo.use(await tempDir());
    const configFile = path.join(dir.path, 'nats.conf');
    // The edge of the second test follows what is revoked, and may not ask whether it has heard of everything.
    const unsure =
      '{ user: unsure, password: unsure, permissions: { publish: { deny: "$JS.API.STREAM.MSG.GET.KV_switchyard-revocations" } } }';
    await writeFile(
      configFile,
      `jetstream {\n  store_dir: x\n}\nauthorization { users: [ { user: all, password: all }, ${unsure} ] }\nno_auth_user: all\n`,
    );
    nats = undo.use(await startNats({ configFile }));
    wire = undo.use(await cuttableWire(nats.url));
    issuer = undo.use(await startTokenIssuer());
    upstream = undo.use(await startScriptedUpstream({ name: 'up', tools: ['act'] }));
    edge = undo.use(await startTestEdge({ authServer: issuer.url, clock, state: await openState(wire.url) }));
    token = issuer.token(edge.url, '/mcp/work');
    await serve(edge);
  }, 300_000);
  afterAll(() => undo.disposeAsync());

  const reasonOf = async (request: object, key: string | undefined = token) => {
    const { status, messages, headers } = await exchange(edge.url, { path: '/mcp/work', ...request, ...(key !== '' && { key }) });
    return [status, messages[0]?.error?.data.reason ?? 'ok', headers['retry-after'] ?? ''];
  };
  const outcomes = async (key?: string) => [await reasonOf(CALL, key), await reasonOf(LIST, key)];
  const OK = [200, 'ok', ''];
  const UNKNOWN = [503, 'revocation_unknown', '2'];

  it('PT-1 calls no tool after ten seconds, and lets nobody in after thirty, until it has heard of everything again', async () => {
    // The lists of the upstream are known from now on.
    expect(await outcomes()).toEqual([OK, OK]);
    expect(await edge.edge.readiness()).toMatchObject({ revocations: 'ok' });
    const stream = await open(edge.url, {
      ...modern('subscriptions/listen', { notifications: { toolsListChanged: true } }),
      key: token,
    });
    expect(stream.status).toBe(200);
    let isOpen = true;
    void stream.ended.then(() => (isOpen = false));
    await wire.cut();
    // Whom nobody can revoke while the edge is cut off would go on for as long as a token lives.
    const elsewhere = await openState(nats.url);
    const dead = issuer.token(edge.url, '/mcp/work', { sy_grant: 'dead', sub: 'u2' });
    expect(await outcomes(dead)).toEqual([OK, OK]);
    const revocations = await elsewhere.bucket(BUCKETS.revocations, DEFAULT_TENANT);
    await revocations.put(revocableName('grant', 'dead'), encodeRevoked({ kind: 'grant', id: 'dead' }), { ttlMs: 60_000 });

    clock.skip(10_000);
    expect(await outcomes()).toEqual([UNKNOWN, OK]);
    expect(await outcomes(edge.key)).toEqual([UNKNOWN, OK]);
    expect(isOpen).toBe(true);
    clock.skip(20_000);
    expect(await outcomes()).toEqual([UNKNOWN, UNKNOWN]);
    expect(await outcomes(edge.key)).toEqual([UNKNOWN, UNKNOWN]);
    expect(await reasonOf({ ...LIST, path: '/mcp/open' }, '')).toEqual(OK);
    expect(await reasonOf({ ...CALL, path: '/mcp/open' }, '')).toEqual(OK);
    expect((await edge.edge.readiness())['revocations']).toContain('not known');
    await stream.ended;
    const refusal = await edge.event(({ reason }) => reason === 'revocation_unknown');
    expect(refusal).toMatchObject({ outcome: 'denied', http_status: 503 });

    await wire.mend();
    await eventually(async () => expect(await outcomes()).toEqual([OK, OK]));
    expect(await outcomes(dead)).toEqual([
      [401, 'token_revoked', ''],
      [401, 'token_revoked', ''],
    ]);
    expect(await edge.edge.readiness()).toMatchObject({ revocations: 'ok' });
  }, 300_000);

  it('PT-2 asks once more before it refuses anybody after it has slept, and is then as before', async () => {
    await eventually(async () => expect(await outcomes()).toEqual([OK, OK]));
    clock.skip(3_600_000);
    const [call, listed] = await Promise.all([reasonOf(CALL, edge.key), reasonOf(LIST, edge.key)]);
    expect([call, listed]).toEqual([OK, OK]);
  });

  it('PT-3 is not ready, and lets nobody in, while it has never had a word that it has heard of everything', async () => {
    const state = await openState(nats.url, 'unsure');
    await using unsure = await startTestEdge({ authServer: issuer.url, state });
    await eventually(async () => expect((await unsure.edge.readiness())['snapshot']).toBe('ok'));
    expect((await unsure.edge.readiness())['revocations']).toContain('not known');
    const answer = await exchange(unsure.url, { ...LIST, key: unsure.key });
    expect([answer.status, answer.messages[0]?.error?.data.reason]).toEqual([503, 'revocation_unknown']);
  });
});
