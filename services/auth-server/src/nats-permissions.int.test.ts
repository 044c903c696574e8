import { AssertionService, BUCKETS, DEFAULT_TENANT, rpcSubject, VaultService } from '@switchyard/contracts';
import { connectNats, NatsRpc, type NatsLink } from '@switchyard/messaging';
import { generateSealingKey } from '@switchyard/oauth';
import { systemClock } from '@switchyard/runtime';
import { NatsState, StateUnavailable } from '@switchyard/state';
import { startNats, tempDir } from '@switchyard/testing';
import path from 'node:path';
import { startServers, type RunningServers } from './fixtures/running-server.js';
import { TestClient } from './fixtures/test-client.js';

const USERS = ['edge-proxy', 'auth-server', 'token-vault', 'capability-registry', 'analytics'];
const passwordOf = (user: string) => `password-of-${user}`;
const env = Object.fromEntries(
  USERS.map((user) => [`NATS_${user.toUpperCase().replaceAll('-', '_')}_PASSWORD`, passwordOf(user)]),
);

describe('deploy/nats/nats.conf', () => {
  const undo = new AsyncDisposableStack();
  let servers: RunningServers;
  let open: (user: string) => Promise<NatsState>;
  let link: (user: string) => Promise<NatsLink>;

  beforeAll(async () => {
    const nats = undo.use(await startNats({ configFile: path.resolve(__dirname, '../../../deploy/nats/nats.conf'), env }));
    const dir = undo.use(await tempDir());
    link = async (user) =>
      undo.adopt(await connectNats({ servers: [nats.url], name: user, user, password: passwordOf(user) }), (it) => it.close());
    open = async (user) => NatsState.open(await link(user), { timeoutMs: 1_000 });
    const [state, publisher] = [await open('auth-server'), await open('capability-registry')];
    const rpcs = [new NatsRpc(await link('auth-server'), 'auth-server')];
    servers = await startServers({ states: [state], rpcs, publisher, clock: systemClock, dir: dir.path });
    undo.defer(() => servers.close());
  }, 300_000);
  afterAll(() => undo.disposeAsync());

  it('NP-3 lets the authorization server sign people in and rotate its keys', async () => {
    const client = new TestClient(servers.publicUrl, servers.urls);
    await client.register();
    expect((await client.redeem(await client.obtainCode())).status).toBe(200);
    const authorization = `Bearer ${servers.adminKeys[0]}`;
    const rotated = await client.fetch('/api/v1/keys/signing', { method: 'POST', headers: { authorization } });
    expect([rotated.status, (rotated.json['keys'] as unknown[]).length]).toEqual([202, 2]);
  });

  it('NP-8 lets the vault have people asserted to upstreams, sealed to it, and nobody else', async () => {
    const { publicJwk: recipientJwk } = await generateSealingKey();
    const request = { tenant: DEFAULT_TENANT, principalIssuer: servers.publicUrl, principalSubject: 'usr_x', recipientJwk };
    const vault = new NatsRpc(await link('token-vault'), 'token-vault');
    const { result } = await vault.call(AssertionService.method.obtainIdJag, request, { timeoutMs: 10_000 });
    expect(result).toMatchObject({ case: 'refusal', value: { reason: 'not_signed_in_there' } });
    for (const user of ['edge-proxy', 'capability-registry', 'analytics']) {
      const stranger = await link(user);
      const asked = stranger.connection.request(rpcSubject(AssertionService.method.obtainIdJag), '', { timeout: 2_000 });
      await expect(asked).rejects.toThrow(/permission/i);
    }
  });

  it('NP-9 lets the authorization server alone ask for what the vault keeps for it', async () => {
    const ask = async (user: string) =>
      (await link(user)).connection.request(rpcSubject(VaultService.method.leaseIdentitySecrets), '', { timeout: 2_000 });
    // No vault runs here.
    await expect(ask('auth-server')).rejects.toThrow(/no responders/i);
    for (const user of ['edge-proxy', 'capability-registry', 'analytics']) await expect(ask(user)).rejects.toThrow(/permission/i);
  });

  it.each(USERS.filter((user) => user !== 'auth-server'))('NP-4 does not let %s read signing keys', async (user) => {
    const state = await open(user);
    const read = async () => (await state.bucket(BUCKETS.signingKeys, DEFAULT_TENANT)).get('signing');
    await expect(read()).rejects.toThrow(StateUnavailable);
  });
});
