import { BUCKETS } from '@switchyard/contracts';
import { connectNats } from '@switchyard/messaging';
import { NatsState, SqliteState, type KvStore, type State } from '@switchyard/state';
import { FakeClock, natsUrl, tempDir, unusedName } from '@switchyard/testing';
import path from 'node:path';
import { KmsUnavailable, type Kms } from '../kms/kms.js';
import { newLocalKey, openKeyring } from './keyring.fixture.js';
import { TenantKeyDestroyed, type Keyring } from './keyring.js';
import type { LivingKeyring } from './keyring-record.js';

/** A key service that counts, and can be away. */
function countingKms(): Kms & { away: boolean; unwraps: number } {
  const local = newLocalKey();
  const counting = {
    id: local.id,
    away: false,
    unwraps: 0,
    wrap: async (...args: Parameters<Kms['wrap']>) => {
      if (counting.away) throw new KmsUnavailable('the key service is away');
      return local.wrap(...args);
    },
    unwrap: async (...args: Parameters<Kms['unwrap']>) => {
      if (counting.away) throw new KmsUnavailable('the key service is away');
      counting.unwraps++;
      return local.unwrap(...args);
    },
  };
  return counting;
}

const adapters: readonly { name: string; open: () => Promise<{ state: State; close: () => Promise<void> }> }[] = [
  {
    name: 'SQLite',
    open: async () => {
      const dir = await tempDir();
      const state = SqliteState.open(path.join(dir.path, 'state.sqlite'));
      return { state, close: () => state.close().then(() => dir[Symbol.asyncDispose]()) };
    },
  },
  {
    name: 'NATS',
    open: async () => {
      const link = await connectNats({ servers: [natsUrl()], name: 'keyring-test' });
      const state = await NatsState.open(link);
      return { state, close: () => state.close().then(() => link.close()) };
    },
  },
];

describe.each(adapters)('a keyring on $name', ({ open }) => {
  let state: State;
  let close: () => Promise<void>;
  let clock: FakeClock;
  let kms: ReturnType<typeof countingKms>;
  let tenant: string;
  let kv: KvStore;

  beforeEach(async () => {
    ({ state, close } = await open());
    clock = new FakeClock();
    kms = countingKms();
    tenant = unusedName('tenant');
    kv = await state.bucket(BUCKETS.dataKeys, tenant);
  });
  afterEach(() => close());

  const vault = (o: { kms?: Kms; tenant?: string; cacheMs?: number } = {}) => openKeyring(state, { tenant, kms, clock, ...o });
  const stored = async () => JSON.parse(Buffer.from((await kv.get('keyring'))?.value ?? []).toString()) as LivingKeyring;
  const opens = async (keyring: Keyring, id: string) => {
    const opening = await keyring.opening(id);
    return opening.ok ? opening.key.toString('hex') : opening.why;
  };

  it('is made once, by whoever needs it first', async () => {
    const vaults = await Promise.all(Array.from({ length: 5 }, () => vault()));
    const keys = await Promise.all(vaults.map((keyring) => keyring.sealing()));
    expect(new Set(keys.map(({ id, key }) => `${id} ${key.toString('hex')}`)).size).toBe(1);
    expect((await stored()).keys.map(({ purpose }) => purpose)).toEqual(['records', 'versions']);
  });

  it('is stored without its keys', async () => {
    const { key } = await (await vault()).sealing();
    const bytes = Buffer.from((await kv.get('keyring'))?.value ?? []);
    for (const encoding of ['hex', 'base64', 'base64url'] as const) expect(bytes.includes(key.toString(encoding))).toBe(false);
    expect(bytes.includes(key)).toBe(false);
  });

  it('gives equal contents equal versions, at every vault and after every rotation; other tenants other versions', async () => {
    const [one, two] = [await vault(), await vault()];
    const version = await one.versionOf(['a', 'bc']);
    await one.rotate({ ifOlderThanMs: 0 });
    expect(await two.versionOf(['a', 'bc'])).toBe(version);
    expect(await one.versionOf(['ab', 'c'])).not.toBe(version);
    const other = await vault({ tenant: unusedName('tenant') });
    expect(await other.versionOf(['a', 'bc'])).not.toBe(version);
  });

  it('V1 does not open with the key of another tenant, even where that was put into it', async () => {
    const other = unusedName('tenant');
    const theirs = await (await vault({ tenant: other })).sealing();
    const theirKv = await state.bucket(BUCKETS.dataKeys, other);
    await (await vault()).sealing();
    const mine = await stored();
    const parsed = JSON.parse(Buffer.from((await theirKv.get('keyring'))?.value ?? []).toString()) as LivingKeyring;
    await kv.put('keyring', Buffer.from(JSON.stringify({ ...mine, keys: [...mine.keys, ...parsed.keys] })));
    expect(await opens(await vault(), theirs.id)).toBe('unknown_key');
  });

  it('V2 refuses what stands in it under another name', async () => {
    const { id } = await (await vault()).sealing();
    const keyring = await stored();
    const renamed = keyring.keys.map((key) => (key.id === id ? { ...key, id: '0000000000000000' } : key));
    await kv.put('keyring', Buffer.from(JSON.stringify({ ...keyring, current: '0000000000000000', keys: renamed })));
    await expect((await vault()).sealing()).rejects.toThrow(KmsUnavailable);
  });

  it('V2 is never made anew where it is damaged', async () => {
    await kv.put('keyring', Buffer.from('{"format":1'));
    await expect((await vault()).sealing()).rejects.toThrow(/damaged/);
    expect(Buffer.from((await kv.get('keyring'))?.value ?? []).toString()).toBe('{"format":1');
  });

  describe('V8 while the key service is away', () => {
    it('opens with what it holds, for as long as it may be held, and then no more', async () => {
      const keyring = await vault({ cacheMs: 600_000 });
      const { id, key } = await keyring.sealing();
      kms.away = true;
      clock.advance(599_999);
      expect(await opens(keyring, id)).toBe(key.toString('hex'));
      clock.advance(1);
      await expect(keyring.opening(id)).rejects.toThrow(KmsUnavailable);
      kms.away = false;
      expect(await opens(keyring, id)).toBe(key.toString('hex'));
    });

    it('does not extend the life of a key by using it', async () => {
      const keyring = await vault({ cacheMs: 10_000 });
      const { id } = await keyring.sealing();
      for (let round = 0; round < 9; round++) {
        clock.advance(1000);
        await keyring.opening(id);
      }
      kms.away = true;
      clock.advance(1000);
      await expect(keyring.opening(id)).rejects.toThrow(KmsUnavailable);
    });

    it('encrypts nothing, though it holds the key', async () => {
      const keyring = await vault();
      const { id } = await keyring.sealing();
      kms.away = true;
      clock.advance(15_000);
      await expect(keyring.sealing()).rejects.toThrow(KmsUnavailable);
      expect(await opens(keyring, id)).not.toBe('');
      kms.away = false;
      clock.advance(1000);
      expect((await keyring.sealing()).id).toBe(id);
    });

    it('makes and replaces no keys, and changes nothing', async () => {
      const keyring = await vault();
      await keyring.sealing();
      const before = await stored();
      kms.away = true;
      await expect(keyring.rotate({ ifOlderThanMs: 0 })).rejects.toThrow(KmsUnavailable);
      expect(await stored()).toEqual(before);
      const fresh = await vault({ tenant: unusedName('tenant') });
      await expect(fresh.sealing()).rejects.toThrow(KmsUnavailable);
    });
  });

  it('asks the key service once for what many ask at the same time', async () => {
    const { id } = await (await vault()).sealing();
    const keyring = await vault();
    kms.unwraps = 0;
    await Promise.all(Array.from({ length: 50 }, () => keyring.opening(id)));
    expect(kms.unwraps).toBe(1);
  });

  describe('V9 rotation', () => {
    it('gives a new key at every vault at once, and the old one still opens', async () => {
      const [one, two] = [await vault(), await vault()];
      const old = await two.sealing();
      const fresh = await one.rotate({ ifOlderThanMs: 0 });
      expect((await two.sealing()).id).toBe(fresh);
      expect(fresh).not.toBe(old.id);
      expect(await opens(two, old.id)).toBe(old.key.toString('hex'));
    });

    it('wraps every key anew', async () => {
      const keyring = await vault();
      await keyring.sealing();
      const before = (await stored()).keys.map(({ ciphertext }) => ciphertext);
      await keyring.rotate({ ifOlderThanMs: 0 });
      const after = (await stored()).keys.map(({ ciphertext }) => ciphertext);
      expect(after).toHaveLength(3);
      expect(after.filter((ciphertext) => before.includes(ciphertext))).toEqual([]);
    });

    it('on schedule happens once, however many vaults find that it is due', async () => {
      const vaults = await Promise.all(Array.from({ length: 3 }, () => vault()));
      await vaults[0]?.sealing();
      expect(await vaults[0]?.rotate({ ifOlderThanMs: 1000 })).toBeUndefined();
      clock.advance(1000);
      const rotated = await Promise.all(vaults.map((keyring) => keyring.rotate({ ifOlderThanMs: 1000 })));
      expect(rotated.filter((id) => id !== undefined)).toHaveLength(1);
      expect((await stored()).keys).toHaveLength(3);
    });
  });

  describe('V9 destruction', () => {
    it('takes all keys from all vaults, at once and for good', async () => {
      const [one, two] = [await vault(), await vault()];
      const { id } = await one.sealing();
      await two.opening(id);
      expect(await one.destroy()).toBe(2);
      for (const keyring of [one, two, await vault()]) {
        expect(await keyring.opening(id)).toEqual({ ok: false, why: 'key_destroyed' });
        await expect(keyring.sealing()).rejects.toThrow(TenantKeyDestroyed);
        await expect(keyring.versionOf(['a'])).rejects.toThrow(TenantKeyDestroyed);
        await expect(keyring.rotate({ ifOlderThanMs: 0 })).rejects.toThrow(TenantKeyDestroyed);
      }
      expect(Buffer.from((await kv.get('keyring'))?.value ?? []).toString()).not.toContain('ciphertext');
      expect(await one.destroy()).toBe(0);
    });

    it('needs no key service', async () => {
      const keyring = await vault();
      await keyring.sealing();
      kms.away = true;
      expect(await keyring.destroy()).toBe(2);
    });

    it('is not undone where an old copy comes back while a vault remembers', async () => {
      const keyring = await vault();
      const { id } = await keyring.sealing();
      const copy = (await kv.get('keyring'))?.value ?? new Uint8Array();
      await keyring.destroy();
      await kv.put('keyring', copy);
      expect(await keyring.opening(id)).toEqual({ ok: false, why: 'key_destroyed' });
      await expect(keyring.sealing()).rejects.toThrow(TenantKeyDestroyed);
    });

    it('wins over a rotation at the same time', async () => {
      const [one, two] = [await vault(), await vault()];
      await one.sealing();
      const [, destroyed] = await Promise.allSettled([one.rotate({ ifOlderThanMs: 0 }), two.destroy()]);
      expect(destroyed.status).toBe('fulfilled');
      expect((await one.status())?.state).toBe('destroyed');
    });
  });
});
