import { encodeRevoked, revocableKey, revocableName } from '@switchyard/api-keys';
import { BUCKETS, DEFAULT_TENANT, EdgeService, emitterProgressKey } from '@switchyard/contracts';
import { connectNats, type NatsLink, NatsRpc, RpcUnavailable } from '@switchyard/messaging';
import { systemClock } from '@switchyard/runtime';
import { NatsState, type State, StateUnavailable } from '@switchyard/state';
import { createLogger } from '@switchyard/telemetry';
import { eventually, type NatsServer, startNats } from '@switchyard/testing';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { CallerProofs } from './caller-proofs.js';
import { CallsInHand } from './calls-in-hand.js';
import { Cancellation } from './cancellation.js';
import { Cancellations } from './cancellations.js';
import { ConnectionChanges } from './connection-changes.js';
import { EdgeContents } from './edge-contents.js';
import { EdgeKey } from './edge-key.js';
import { EdgePeers } from './edge-peers.js';
import { publishProofKey, tellConnection } from './fake-vault.fixture.js';
import { HandedOver } from './handed-over.js';
import { ListChanges } from './list-changes.js';
import { RevocationFeed } from './revocation-feed.js';
import { openPossession } from './stages/possession.js';

const USERS = ['edge-proxy', 'auth-server', 'token-vault', 'capability-registry', 'analytics'] as const;
const passwordOf = (user: string) => `password-of-${user}`;
const env = Object.fromEntries(
  USERS.map((user) => [`NATS_${user.toUpperCase().replaceAll('-', '_')}_PASSWORD`, passwordOf(user)]),
);
const { deliverAnswer } = EdgeService.method;

/** Larger than a message of NATS, of which the configuration says nothing: 1 MiB. */
const LARGE = randomBytes(3 * 1024 * 1024);

let nats: NatsServer;
const links: NatsLink[] = [];

async function connectAs(user: string): Promise<NatsLink> {
  const link = await connectNats({ servers: [nats.url], name: `test-${user}`, user, password: passwordOf(user) });
  links.push(link);
  return link;
}

async function peersOf(link: NatsLink, state: State, name: string): Promise<EdgePeers> {
  const [sessions, streams] = await Promise.all([
    state.bucket(BUCKETS.sessions, DEFAULT_TENANT),
    state.bucket(BUCKETS.streams, DEFAULT_TENANT),
  ]);
  return new EdgePeers(new NatsRpc(link, 'edge-proxy'), name, new EdgeContents(streams, await EdgeKey.open(sessions)));
}

beforeAll(async () => {
  nats = await startNats({ configFile: path.resolve(__dirname, '../../../deploy/nats/nats.conf'), env });
});
afterAll(async () => {
  await Promise.all(links.map((link) => link.close()));
  await nats[Symbol.asyncDispose]();
});

describe('deploy/nats/nats.conf', () => {
  it.each(USERS)('NP-0 lets %s hear what is answered to it, and to nobody else', async (user) => {
    const { connection, inboxPrefix } = await connectAs(user);
    const others = USERS.filter((other) => other !== user).map((other) => `_INBOX.${other}.>`);
    for (const subject of ['_INBOX.>', '_INBOX.*.*', ...others]) {
      const refused = Promise.withResolvers<Error | null>();
      connection.subscribe(subject, { callback: refused.resolve });
      expect(await refused.promise).toMatchObject({ name: 'PermissionViolationError' });
    }
    expect(inboxPrefix).toBe(`_INBOX.${user}`);
    const own = connection.subscribe(`${inboxPrefix}.x`);
    await connection.flush();
    expect(own.isClosed()).toBe(false);
  });

  it('NP-1 lets edges hand each other what is larger than a message, and leave streams', async () => {
    const [here, there] = await Promise.all([connectAs('edge-proxy'), connectAs('edge-proxy')]);
    const states = await Promise.all([here, there].map((link) => NatsState.open(link)));
    const asking = await peersOf(here, states[0]!, 'AAAAAAAA-_-1');
    const holding = await peersOf(there, states[1]!, 'AAAAAAAA-_-2');
    const got: Buffer[] = [];
    await holding.serve(deliverAnswer, async ({ content }) => {
      got.push(await holding.contents.unpack(content));
      return { taken: true };
    });
    const asked = async (bytes: Buffer) =>
      asking.ask(holding.name, deliverAnswer, { session: 's', content: await asking.contents.pack(bytes) });
    await eventually(async () => expect(await asked(Buffer.from('small'))).toMatchObject({ taken: true }));
    expect(await asked(LARGE)).toMatchObject({ taken: true });
    expect([got.at(0)?.toString(), got.at(-1)?.equals(LARGE)]).toEqual(['small', true]);
    await asking.ask('AAAAAAAA-_-3', deliverAnswer, {}).then((answer) => expect(answer).toBeUndefined());

    const handed = await Promise.all(
      states.map(async (state) => new HandedOver(await state.bucket(BUCKETS.streams, DEFAULT_TENANT))),
    );
    const event = { sequence: 1, id: 'x.1', data: Buffer.from('{"a":"é"}') };
    await handed[0]!.leave('x', [event]);
    expect(await handed[1]!.take('x')).toEqual([event]);
    await Promise.all([asking.close(), holding.close()]);
  });

  it('NP-3 lets edges tell each other of cancelled calls and of changed lists', async () => {
    const [here, there] = await Promise.all([connectAs('edge-proxy'), connectAs('edge-proxy')]);
    const [one, other] = await Promise.all([here, there].map((link) => NatsState.open(link)));
    const key = await EdgeKey.open(await one!.bucket(BUCKETS.sessions, DEFAULT_TENANT));
    const log = createLogger({ service: 'edge-proxy', level: 'silent' });
    const follow = async (state: State, calls: CallsInHand) =>
      Cancellations.open({ kv: await state.bucket(BUCKETS.cancellations, DEFAULT_TENANT), key, calls, log });
    const calls = new CallsInHand();
    const cancelled = new Promise<void>((resolve) => calls.add('session', '1', resolve));
    const [telling, told] = [await follow(one!, new CallsInHand()), await follow(other!, calls)];
    telling.cancel('session', '1');
    await cancelled;
    const changed = Promise.withResolvers<string>();
    const lists = (state: State, edge: string, onChange: (upstream: string) => void) =>
      state.bucket(BUCKETS.listChanges, DEFAULT_TENANT).then((kv) => ListChanges.open({ kv, edge, log, onChange }));
    const [from, to] = [await lists(one!, 'one', () => undefined), await lists(other!, 'other', changed.resolve)];
    from.tell('up', 'notifications/tools/list_changed');
    expect(await changed.promise).toBe('up');
    await Promise.all([telling, told, from, to].map((open) => open.close()));
  });

  it('NP-5 lets edges follow what is revoked and know that they have heard of everything, and the authorization server alone revoke', async () => {
    const log = createLogger({ service: 'edge-proxy', level: 'silent' });
    const edge = await NatsState.open(await connectAs('edge-proxy'), { timeoutMs: 1_000 });
    const feed = await RevocationFeed.open({ state: edge, clock: systemClock, log });
    expect(feed.isKnown).toBe(true);
    const put = async (state: State) => {
      const bucket = await state.bucket(BUCKETS.revocations, DEFAULT_TENANT);
      await bucket.put(revocableName('api-key', 'k1'), encodeRevoked({ kind: 'api-key', id: 'k1' }), { ttlMs: 60_000 });
    };
    for (const user of USERS.filter((one) => one !== 'auth-server')) {
      const state = await NatsState.open(await connectAs(user), { timeoutMs: 300 });
      await expect(put(state)).rejects.toThrow(StateUnavailable);
    }
    expect(feed.covers(revocableKey('k1'))).toBe(false);
    await put(await NatsState.open(await connectAs('auth-server')));
    await eventually(() => feed.covers(revocableKey('k1')));
    await feed.close();
  });

  it('NP-4 lets edges hear from the vault of connections, and of the key that proofs are sealed to', async () => {
    const [edge, vault] = await Promise.all([connectAs('edge-proxy'), connectAs('token-vault')]);
    const [here, there] = await Promise.all([edge, vault].map((link) => NatsState.open(link)));
    const log = createLogger({ service: 'edge-proxy', level: 'silent' });
    const connections = await ConnectionChanges.open({
      kv: await here!.bucket(BUCKETS.connectionChanges, DEFAULT_TENANT),
      log,
    });
    const proofs = await CallerProofs.open(await here!.bucket(BUCKETS.vaultKeys, DEFAULT_TENANT), log);
    const ann = { issuer: 'https://idp.example', subject: 'ann' };
    const connected = connections.connected('up', ann, connections.now, 10_000, new Cancellation());
    await tellConnection(there!, 'up', ann, 'connected');
    expect(await connected).toBe(true);
    const openProof = await publishProofKey(there!);
    const sealed = await eventually(async () => (await proofs.seal('Bearer x')) || false);
    expect(await openProof(sealed)).toBe('Bearer x');
    await Promise.all([connections.close(), proofs.close()]);
  });

  it.each(USERS.filter((user) => user !== 'edge-proxy'))(
    'NP-2 lets %s neither ask edges nor listen to what they are asked',
    async (user) => {
      const edge = await connectAs('edge-proxy');
      const peers = await peersOf(edge, await NatsState.open(edge), `owner-${user}`);
      let asked = 0;
      await peers.serve(deliverAnswer, () => ({ taken: (asked += 1) > 0 }));
      const stranger = await connectAs(user);
      await expect(
        new NatsRpc(stranger, user).call(deliverAnswer, {}, { instance: `owner-${user}`, timeoutMs: 300 }),
      ).rejects.toThrow(RpcUnavailable);
      expect(asked).toBe(0);
      const heard = Promise.withResolvers<Error | null>();
      stranger.connection.subscribe('switchyard.rpc.edge.v1.EdgeService.>', { callback: (error) => heard.resolve(error) });
      expect(await heard.promise).toMatchObject({ name: 'PermissionViolationError' });
      await peers.close();
    },
  );

  it.each(USERS)(
    'NP-8 %s: edges and the authorization server share what is known of DPoP proofs, and nobody else',
    async (user) => {
      const state = await NatsState.open(await connectAs(user), { timeoutMs: 1_000 });
      const opened = openPossession(state, systemClock).then(
        () => 'opened',
        () => 'refused',
      );
      expect(await opened).toBe(user === 'edge-proxy' || user === 'auth-server' ? 'opened' : 'refused');
    },
  );

  it.each(USERS)('NP-9 lets %s say how far its events are, and analytics hear of it', async (user) => {
    const [own, analytics] = [await connectAs(user), await connectAs('analytics')];
    const key = emitterProgressKey(`of-${user}`, 1);
    const said = await (await NatsState.open(own)).bucket(BUCKETS.emitters, DEFAULT_TENANT);
    await said.put(key, Buffer.from('{}'), { ttlMs: 60_000 });
    const heard = await (await NatsState.open(analytics)).bucket(BUCKETS.emitters, DEFAULT_TENANT);
    expect(await heard.keys('progress/')).toContain(key);
    expect(Buffer.from((await heard.get(key))?.value ?? []).toString()).toBe('{}');
  });
});
