import { BUCKETS, DEFAULT_TENANT } from '@switchyard/contracts';
import { RpcFault } from '@switchyard/messaging';
import { eventually, FakeClock, startNats, tempDir, type NatsServer, type TempDir } from '@switchyard/testing';
import { startTransit, type TransitStandIn } from './kms/transit.fixture.js';
import { startVault, type VaultRig } from './vault.fixture.js';

const bearer = (value: string, upstream = 'billing') => ({ upstream, headers: { Authorization: `Bearer ${value}` } });
const env = { TOKEN: 'from-env' };
const confirm = `destroy all keys of ${DEFAULT_TENANT}`;
interface Answer {
  readonly reason?: string;
  readonly detail?: string;
  readonly current?: string;
  readonly state?: string;
  readonly resealed?: boolean;
  readonly keys?: readonly { readonly id: string; readonly kekVersion: string }[];
}
const answerOf = async (response: Response) => (await response.json()) as Answer;

describe('two vaults on a key service', () => {
  let nats: NatsServer;
  let dir: TempDir;
  let transit: TransitStandIn;
  let clock: FakeClock;
  let vaults: [VaultRig, VaultRig];
  let rig: VaultRig;

  beforeEach(async () => {
    [nats, dir, transit] = await Promise.all([startNats(), tempDir(), startTransit()]);
    clock = new FakeClock();
    const kek = {
      transit: { address: transit.server.url, key: 'switchyard', auth: { appRole: { roleId: 'role-1', secretId: 'secret-1' } } },
    };
    const start = () => startVault({ natsUrl: nats.url, dir: dir.path, env, kek, clock, cacheSeconds: 600 });
    vaults = [await start(), await start()];
    [rig] = vaults;
    await rig.apply([bearer('${env:TOKEN}')]);
  });
  afterEach(async () => {
    await Promise.all(vaults.map((vault) => vault[Symbol.asyncDispose]()));
    await Promise.all([nats[Symbol.asyncDispose](), dir[Symbol.asyncDispose](), transit.server[Symbol.asyncDispose]()]);
  });

  const status = async () => answerOf(await rig.api('GET', '/api/v1/data-keys'));

  it('lease what the key service helped to encrypt', async () => {
    for (const vault of vaults) expect((await vault.leased('billing')).headers).toEqual({ Authorization: 'Bearer from-env' });
    expect(transit.server.requests.some(({ path }) => path === '/v1/transit/encrypt/switchyard')).toBe(true);
  });

  it('V4 show the key service nothing but keys, and nobody else their keys', async () => {
    await rig.api('PUT', '/api/v1/secrets/s', { value: 'canary-value' });
    const seen = JSON.stringify(transit.server.requests);
    expect(seen).not.toContain('canary-value');
    expect(seen).not.toContain(Buffer.from('canary-value').toString('base64'));
    expect(JSON.stringify(await status())).not.toMatch(/ciphertext|vault:v/);
  });

  it.each(['failing', 'silent'] as const)(
    'V8 go on with held keys while the key service is %s, then refuse clearly',
    async (mode) => {
      // Leases are answered by either vault, so each is made to hold the keys by its own API.
      for (const vault of vaults) expect((await vault.api('PUT', '/api/v1/secrets/held', { value: 'x' })).status).toBe(200);
      const { version } = await rig.leased('billing');
      transit.server.mode = mode;
      clock.advance(60_000);
      expect(await rig.leased('billing')).toMatchObject({ version, headers: { Authorization: 'Bearer from-env' } });
      // Writes at once.
      const put = await rig.api('PUT', '/api/v1/secrets/s', { value: 'x' });
      expect([put.status, (await answerOf(put)).reason]).toEqual([503, 'kms_unavailable']);
      await expect(rig.apply([bearer('other')])).rejects.toThrow(RpcFault);
      const rotate = await rig.api('POST', '/api/v1/data-keys/rotate');
      expect([rotate.status, (await answerOf(rotate)).reason]).toEqual([503, 'kms_unavailable']);
      expect((await rig.vault.readiness())['kms']).toMatch(/the Transit engine (did not answer|does not encrypt)/);
      // Reads when what is held has ended.
      clock.advance(600_000);
      expect((await rig.lease('billing')).result).toMatchObject({
        case: 'refusal',
        value: {
          reason: 'credential_unavailable',
          message: expect.stringMatching(/cannot be decrypted at the moment: the Transit engine/),
        },
      });
      transit.server.mode = 'up';
      clock.advance(1_000);
      expect(await rig.leased('billing')).toMatchObject({ version });
      expect((await rig.vault.readiness())['kms']).toBe('ok');
      expect((await rig.api('GET', '/api/v1/secrets')).status).toBe(200);
      expect(await answerOf(await rig.api('GET', '/api/v1/secrets'))).toEqual({ secrets: [{ name: 'held' }] });
    },
  );

  it('V9 rotate on command: a new key, wrapped by the newest version, and everything encrypted with it', async () => {
    await rig.api('PUT', '/api/v1/secrets/s', { value: 'x' });
    const { version } = await rig.leased('billing');
    transit.key.rotate();
    const { current } = await answerOf(await rig.api('POST', '/api/v1/data-keys/rotate'));
    await eventually(async () => (await status()).resealed === true);
    const after = await status();
    expect(after.current).toBe(current);
    expect(after.keys?.map(({ kekVersion }) => kekVersion)).toEqual(['v2', 'v2', 'v2']);
    for (const bucket of [BUCKETS.credentials, BUCKETS.secrets]) {
      const kv = await rig.platform.state.bucket(bucket, DEFAULT_TENANT);
      for (const name of await kv.keys()) {
        expect(JSON.parse(Buffer.from((await kv.get(name))?.value ?? []).toString())).toMatchObject({ keyId: current });
      }
    }
    // What the oldest version wrapped is needed no more.
    transit.key.oldestUsable = 2;
    clock.advance(600_000);
    for (const vault of vaults) expect(await vault.leased('billing')).toMatchObject({ version });
    const [event] = await rig.events('vault.key_rotated', 1);
    expect(event).toMatchObject({ outcome: 'ok', principal_name: 'admin-key', detail: { key_id: current } });
    expect(await rig.platform.telemetry.metricsText()).toMatch(/switchyard_vault_records_resealed/);
  });

  it('V9 destroy nothing without the confirmation', async () => {
    for (const body of [{ confirm: 'yes' }, { confirm: 'destroy all keys of other' }]) {
      const refused = await rig.api('POST', '/api/v1/data-keys/destroy', body);
      expect([refused.status, (await answerOf(refused)).reason]).toEqual([409, 'not_confirmed']);
    }
    expect((await rig.api('POST', '/api/v1/data-keys/destroy', {})).status).toBe(400);
    expect((await rig.api('POST', '/api/v1/data-keys/destroy', { confirm }, rig.keys.auditor)).status).toBe(403);
    expect((await rig.leased('billing')).headers).toEqual({ Authorization: 'Bearer from-env' });
  });

  it('V9 destroy a tenant’s keys: nothing can be read at any vault, nor after a restart, nor stored', async () => {
    await vaults[1].leased('billing');
    const destroyed = await rig.api('POST', '/api/v1/data-keys/destroy', { confirm });
    expect([destroyed.status, await destroyed.json()]).toEqual([200, { tenant: DEFAULT_TENANT, destroyed: 2 }]);
    const restarted = await startVault({
      natsUrl: nats.url,
      dir: dir.path,
      env,
      kek: { transit: { address: transit.server.url, key: 'switchyard', auth: { token: 'root' } } },
    });
    // Requests are answered by any of the three, so each kind is asked often enough to meet all.
    for (let round = 0; round < 12; round++) {
      expect((await restarted.lease('billing')).result).toMatchObject({
        case: 'refusal',
        value: { message: expect.stringMatching(/cannot be read any more, because the tenant's keys were destroyed/) },
      });
      const { problems } = await restarted.apply([bearer('${env:TOKEN}')]);
      expect(problems).toMatchObject([{ upstream: 'billing', message: expect.stringMatching(/keys were destroyed/) }]);
    }
    for (const vault of [...vaults, restarted]) {
      const put = await vault.api('PUT', '/api/v1/secrets/s', { value: 'x' });
      expect([put.status, (await answerOf(put)).reason]).toEqual([409, 'key_destroyed']);
      expect(await answerOf(await vault.api('GET', '/api/v1/data-keys'))).toMatchObject({ state: 'destroyed', keys: [] });
    }
    const [event] = await rig.events('vault.keys_destroyed', 1);
    expect(event).toMatchObject({ outcome: 'ok', principal_name: 'admin-key', detail: { count: '2' } });
    await restarted[Symbol.asyncDispose]();
  });

  it('do not start where the key service works but did not wrap the keys', async () => {
    transit.key.rotate();
    transit.key.oldestUsable = 2;
    const kek = { transit: { address: transit.server.url, key: 'switchyard', auth: { token: 'root' } } };
    await expect(startVault({ natsUrl: nats.url, dir: dir.path, kek })).rejects.toThrow(
      /kek: does not open the stored data keys, which transit:transit\/switchyard wrapped\. Configure that key again\./,
    );
  });

  it('start while the key service is away, and say so', async () => {
    transit.server.mode = 'failing';
    const kek = { transit: { address: transit.server.url, key: 'switchyard', auth: { token: 'root' } } };
    await using waiting = await startVault({ natsUrl: nats.url, dir: dir.path, kek });
    expect((await waiting.vault.readiness())['kms']).not.toBe('ok');
  });
});
