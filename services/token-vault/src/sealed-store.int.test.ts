import { BUCKETS, type BucketName } from '@switchyard/contracts';
import { connectNats } from '@switchyard/messaging';
import { NatsState, SqliteState, type KvStore, type State } from '@switchyard/state';
import { FakeClock, natsUrl, tempDir, unusedName } from '@switchyard/testing';
import path from 'node:path';
import { KeyEncryptionKey } from './key-encryption-key.js';
import { newLocalKey, openKeyring } from './keyring/keyring.fixture.js';
import type { Keyring } from './keyring/keyring.js';
import type { Kms } from './kms/kms.js';
import { SealedStore, type SealedStoreOptions } from './sealed-store.js';

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
      const link = await connectNats({ servers: [natsUrl()], name: 'vault-test' });
      const state = await NatsState.open(link);
      return { state, close: () => state.close().then(() => link.close()) };
    },
  },
];

const kms = newLocalKey();

describe.each(adapters)('sealed records on $name', ({ open }) => {
  let state: State;
  let close: () => Promise<void>;
  let clock: FakeClock;
  let tenants: { mine: string; other: string };

  beforeEach(async () => {
    ({ state, close } = await open());
    clock = new FakeClock();
    tenants = { mine: unusedName('tenant'), other: unusedName('tenant') };
  });
  afterEach(() => close());

  interface Place {
    readonly store: SealedStore;
    readonly keyring: Keyring;
    readonly kv: KvStore;
  }

  async function place(o: Partial<Pick<SealedStoreOptions, 'tenant' | 'kind'>> & { kms?: Kms } = {}): Promise<Place> {
    const kind = o.kind ?? 'credential';
    const tenant = o.tenant ?? tenants.mine;
    const bucket: BucketName = kind === 'credential' ? BUCKETS.credentials : BUCKETS.secrets;
    const kv = await state.bucket(bucket, tenant);
    const keyring = await openKeyring(state, { tenant, kms: o.kms ?? kms, clock });
    return { kv, keyring, store: new SealedStore({ kv, keyring, local: undefined, tenant, kind, clock }) };
  }

  async function put({ store }: Pick<Place, 'store'>, name: string, text: string): Promise<void> {
    const read = await store.read(name);
    const written = await store.replace(
      name,
      read.state === 'absent' ? undefined : read.kvRevision,
      Buffer.from(text),
      `version of ${text}`,
    );
    expect(written).toBe(true);
  }

  const bytesOf = async (kv: KvStore, name: string) => (await kv.get(name))?.value ?? Buffer.alloc(0);

  it('are read back by every store of the same tenant, kind and key', async () => {
    await put(await place(), 'billing', 'one');
    const { store } = await place();
    expect(await store.read('billing')).toMatchObject({
      state: 'intact',
      content: Buffer.from('one'),
      version: 'version of one',
    });
    expect(await store.read('tracker')).toEqual({ state: 'absent' });
    expect(await store.names()).toEqual(['billing']);
  });

  it('are not seen by another tenant', async () => {
    await put(await place(), 'billing', 'one');
    const { store } = await place({ tenant: tenants.other });
    expect(await store.read('billing')).toEqual({ state: 'absent' });
    expect(await store.names()).toEqual([]);
  });

  const swaps: [id: string, target: () => { tenant?: string; kind?: 'secret' }, name: string, damage: string][] = [
    // Another tenant does not even have the key.
    ['V1-tenant', () => ({ tenant: tenants.other }), 'billing', 'unknown_key'],
    ['V1-upstream', () => ({}), 'tracker', 'altered'],
    ['V1-kind', () => ({ kind: 'secret' }), 'billing', 'altered'],
  ];
  it.each(swaps)('are refused in the place of another: %s', async (_id, target, name, damage) => {
    const source = await place();
    const victim = await place(target());
    await put(source, 'billing', 'ours');
    await put(victim, name, 'theirs');
    await victim.kv.put(name, await bytesOf(source.kv, 'billing'));
    expect(await victim.store.read(name)).toMatchObject({ state: 'damaged', damage });
    const { store: freshVault } = await place(target());
    expect(await freshVault.read(name)).toMatchObject({ state: 'damaged', damage });
  });

  type Stored = Record<'keyId' | 'version', string> & { revision: number; data: Record<string, string> };
  const fields: [id: string, alter: (record: Stored) => void, damage: string][] = [
    ['V2-version', (record) => (record.version = 'other'), 'altered'],
    ['V2-revision-raised', (record) => (record.revision += 1), 'altered'],
    ['V2-key-id', (record) => (record.keyId = '0000000000000000'), 'unknown_key'],
    ['V2-tag', (record) => (record.data['tag'] = 'AAAAAAAAAAAAAAAAAAAAAA'), 'altered'],
    ['V2-nonce', (record) => (record.data['nonce'] = 'AAAAAAAAAAAAAAAA'), 'altered'],
    ['V2-truncated-ciphertext', (record) => (record.data['bytes'] = (record.data['bytes'] ?? '').slice(0, 2)), 'altered'],
    [
      'V2-nonce-flipped',
      (record) => (record.data['nonce'] = (record.data['nonce'] ?? '').split('').reverse().join('')),
      'altered',
    ],
  ];
  it.each(fields)('are refused when altered: %s', async (_id, alter, damage) => {
    const { store, kv } = await place();
    await put({ store }, 'billing', 'one');
    const record = JSON.parse(Buffer.from(await bytesOf(kv, 'billing')).toString()) as Stored;
    alter(record);
    await kv.put('billing', Buffer.from(JSON.stringify(record)));
    expect(await store.read('billing')).toMatchObject({ state: 'damaged', damage });
  });

  it('V1 stay refused once they are frozen, also where they are put back as they were, until they are replaced', async () => {
    const { store, kv } = await place();
    await put({ store }, 'billing', 'one');
    await put({ store }, 'tracker', 'two');
    const before = await bytesOf(kv, 'billing');
    await kv.put('billing', await bytesOf(kv, 'tracker'));
    const found = await store.read('billing');
    if (found.state !== 'damaged') throw new Error('it was not found out');
    await store.freeze('billing', found.kvRevision);
    const frozen = await store.read('billing');
    expect(frozen).toMatchObject({ state: 'damaged', damage: 'frozen' });
    const { store: freshVault } = await place();
    expect(await freshVault.read('billing')).toEqual(frozen);
    await kv.put('billing', before);
    expect(await freshVault.read('billing')).toMatchObject({ state: 'damaged', damage: 'rolled_back' });
    await put({ store: freshVault }, 'billing', 'three');
    expect(await store.read('billing')).toMatchObject({ state: 'intact' });
  });

  it('V1 are not frozen where somebody has written since they were read', async () => {
    const { store, kv } = await place();
    await put({ store }, 'billing', 'one');
    const read = await kv.get('billing');
    await put({ store }, 'billing', 'two');
    await store.freeze('billing', read?.revision ?? 0);
    expect(await store.read('billing')).toMatchObject({ state: 'intact' });
  });

  it('V2 are refused when truncated', async () => {
    const { store, kv } = await place();
    await put({ store }, 'billing', 'one');
    await kv.put('billing', (await bytesOf(kv, 'billing')).subarray(0, 100));
    expect(await store.read('billing')).toMatchObject({ state: 'damaged', damage: 'malformed' });
  });

  it('V2 are refused when an older one comes back', async () => {
    const { store, kv } = await place();
    await put({ store }, 'billing', 'old');
    const old = await bytesOf(kv, 'billing');
    await put({ store }, 'billing', 'new');
    await kv.put('billing', old);
    expect(await store.read('billing')).toMatchObject({ state: 'damaged', damage: 'rolled_back' });
  });

  it('V2 are refused when an older one comes back after a deletion', async () => {
    const { store, kv } = await place();
    await put({ store }, 'billing', 'old');
    const old = await bytesOf(kv, 'billing');
    await put({ store }, 'billing', 'new');
    await store.delete('billing');
    expect(await store.read('billing')).toEqual({ state: 'absent' });
    await kv.put('billing', old);
    expect(await store.read('billing')).toMatchObject({ state: 'damaged', damage: 'rolled_back' });
  });

  it('are not taken for old ones because a read was overtaken by a write', async () => {
    const { store, kv, keyring } = await place();
    await put({ store }, 'billing', 'old');
    let overtake: (() => Promise<void>) | undefined;
    const get: KvStore['get'] = async (key) => {
      const entry = await kv.get(key);
      const write = overtake;
      overtake = undefined;
      await write?.();
      return entry;
    };
    const overtaken: KvStore = {
      get,
      put: (...args) => kv.put(...args),
      create: (...args) => kv.create(...args),
      update: (...args) => kv.update(...args),
      delete: (...args) => kv.delete(...args),
      keys: (...args) => kv.keys(...args),
      watch: (...args) => kv.watch(...args),
    };
    const slow = new SealedStore({ kv: overtaken, keyring, local: undefined, tenant: tenants.mine, kind: 'credential', clock });
    overtake = () => put({ store: slow }, 'billing', 'new');
    expect(await slow.read('billing')).toMatchObject({ state: 'intact', content: Buffer.from('new') });
  });

  it('can be replaced after they were refused', async () => {
    const { store, kv } = await place();
    await kv.put('billing', Buffer.from('garbage'));
    await put({ store }, 'billing', 'repaired');
    expect(await store.read('billing')).toMatchObject({ state: 'intact', content: Buffer.from('repaired') });
  });

  it('are refused under another key-encryption key', async () => {
    await put(await place(), 'billing', 'one');
    const { store } = await place({ kms: newLocalKey() });
    expect(await store.read('billing')).toMatchObject({ state: 'damaged', damage: 'unknown_key' });
  });

  it('made anew by another vault are not taken for old ones', async () => {
    const [one, two] = [await place(), await place()];
    await put(one, 'billing', 'first');
    await one.store.delete('billing');
    clock.advance(1000);
    await put(two, 'billing', 'second');
    expect(await one.store.read('billing')).toMatchObject({ state: 'intact', content: Buffer.from('second') });
  });

  it('are written by one of two that read the same', async () => {
    const [one, two] = [await place(), await place()];
    await put(one, 'billing', 'first');
    const read = await two.store.read('billing');
    await put(one, 'billing', 'second');
    if (read.state !== 'intact') throw new Error('expected an intact record');
    expect(await two.store.replace('billing', read.kvRevision, Buffer.from('third'), 'v')).toBe(false);
    expect(await two.store.replace('billing', undefined, Buffer.from('third'), 'v')).toBe(false);
    expect(await one.store.read('billing')).toMatchObject({ content: Buffer.from('second') });
  });

  describe('of format 1', () => {
    // Written by the release before there were keyrings, for tenant `default`, kind `secret`, name `billing`.
    const stored = Buffer.from(
      '{"format":1,"algorithm":"A256GCM","keyId":"f11a225d2af9eb8f","revision":1767225600000,"version":"v1",' +
        '"key":{"nonce":"OW-OUZBH2GcVqfsO","tag":"1KNWrNSIIYS7LIpcBqGy0w","bytes":"qVn1JK6qGQ2wesNsUZKIzFRdv1KCgcPTNMFu6N1Bjvg"},' +
        '"data":{"nonce":"VoSlNk2MGK9mj2Am","tag":"K4TCRMp8ZvqVPU5WPKLkDA","bytes":"EmbxrBfSh-YnGEdEyW4Del4PGZEzDw"}}',
    );
    const firstKey = new KeyEncryptionKey(Buffer.alloc(32, 7));

    async function firstPlace(o: { local?: KeyEncryptionKey; name?: string } = {}) {
      // The adapters may share a server, the tenant is part of what is authenticated.
      const kv = await state.bucket(BUCKETS.secrets, unusedName('tenant'));
      const keyring = await openKeyring(state, { tenant: unusedName('tenant'), kms, clock });
      await kv.put(o.name ?? 'billing', stored);
      const local = 'local' in o ? o.local : firstKey;
      return { kv, keyring, store: new SealedStore({ kv, keyring, local, tenant: 'default', kind: 'secret', clock }) };
    }

    it('are read, and written anew', async () => {
      const { kv, keyring, store } = await firstPlace();
      const content = Buffer.from('from-the-first-release');
      expect(await store.read('billing')).toMatchObject({ state: 'intact', content, version: 'v1' });
      const { id } = await keyring.sealing();
      expect(await store.reseal('billing', id)).toBe('resealed');
      expect(await store.reseal('billing', id)).toBe('current');
      expect(JSON.parse(Buffer.from(await bytesOf(kv, 'billing')).toString())).toMatchObject({
        format: 2,
        keyId: id,
        version: 'v1',
      });
      expect(await store.read('billing')).toMatchObject({ state: 'intact', content, version: 'v1' });
    });

    const refused: [id: string, o: { local?: KeyEncryptionKey; name?: string }, damage: string][] = [
      ['without-the-key-file', { local: undefined as never }, 'unknown_key'],
      ['V2-other-key-file', { local: new KeyEncryptionKey(Buffer.alloc(32, 8)) }, 'unknown_key'],
      ['V1-upstream', { name: 'tracker' }, 'altered'],
    ];
    it.each(refused)('are refused: %s', async (_id, o, damage) => {
      const { store } = await firstPlace(o);
      expect(await store.read(o.name ?? 'billing')).toMatchObject({ state: 'damaged', damage });
    });

    it('V9 are not read after the destruction of the keys', async () => {
      const { keyring, store } = await firstPlace();
      await keyring.destroy();
      expect(await store.read('billing')).toMatchObject({ state: 'damaged', damage: 'key_destroyed' });
    });
  });
});
