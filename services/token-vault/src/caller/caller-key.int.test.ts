import { BUCKETS, CALLER_PROOF_KEY, DEFAULT_TENANT } from '@switchyard/contracts';
import { sealTo } from '@switchyard/oauth';
import { openLocalPlatform } from '@switchyard/platform';
import { createLogger } from '@switchyard/telemetry';
import { eventually, FakeClock, tempDir } from '@switchyard/testing';
import { newLocalKey, openKeyring } from '../keyring/keyring.fixture.js';
import { KmsUnavailable, type Kms } from '../kms/kms.js';
import { startVault } from '../vault.fixture.js';
import { CallerKey } from './caller-key.js';

const log = createLogger({ service: 'token-vault', level: 'silent' });

describe('the key that callers are proved with', () => {
  it('is told to edges by a vault that starts', async () => {
    await using rig = await startVault();
    const kv = await rig.platform.state.bucket(BUCKETS.vaultKeys, DEFAULT_TENANT);
    const told = JSON.parse(Buffer.from((await kv.get(CALLER_PROOF_KEY))!.value).toString()) as Record<string, unknown>;
    expect(Object.keys(told).sort()).toEqual(['crv', 'kty', 'x']);
  });

  it('is the same at every vault, told as soon as the key service answers, and opens nothing of another key', async () => {
    await using dir = await tempDir();
    const platform = await openLocalPlatform({
      ...{ dataDir: dir.path, service: 'token-vault', emitter: 'test', logLevel: 'silent', auditLimitBytes: 1_000_000 },
    });
    const local = newLocalKey();
    let away = true;
    const kms: Kms = {
      ...{ id: local.id, unwrap: (...args) => local.unwrap(...args) },
      wrap: (...args) => (away ? Promise.reject(new KmsUnavailable('away')) : local.wrap(...args)),
    };
    const clock = new FakeClock();
    const open = async () => {
      const keyring = await openKeyring(platform.state, { tenant: 'one', kms, clock });
      return CallerKey.open(platform.state, { tenant: 'one', keyring, log });
    };
    const kv = await platform.state.bucket(BUCKETS.vaultKeys, 'one');
    const [one, other] = [await open(), await open()];
    await one.publish();
    expect(await kv.get(CALLER_PROOF_KEY)).toBeUndefined();
    away = false;
    clock.advance(60_000);
    const told = await eventually(async () => (await kv.get(CALLER_PROOF_KEY)) ?? false);
    await other.publish();
    expect((await kv.get(CALLER_PROOF_KEY))?.revision).toBe(told.revision);
    const proof = await sealTo(Buffer.from(told.value).toString(), Buffer.from('Bearer token-of-ana'));
    expect(await other.read(proof)).toBe('Bearer token-of-ana');
    expect(await other.read(`${proof.slice(0, -4)}AAAA`)).toBeUndefined();
    expect(await other.read('no proof')).toBeUndefined();
    [one, other].forEach((key) => key.close());
    await platform.close();
  });
});
