import { BUCKETS } from '@switchyard/contracts';
import { SqliteState, type KvStore } from '@switchyard/state';
import { eventually, FakeClock, tempDir, type TempDir } from '@switchyard/testing';
import path from 'node:path';
import { ApiKeyDirectory } from './api-key-directory.js';
import { encodeApiKeyRecord } from './key-record.js';
import { mintApiKey } from './key-text.js';

describe('ApiKeyDirectory', () => {
  const clock = new FakeClock();
  const unreadable: string[] = [];
  let dir: TempDir;
  let state: SqliteState;
  let bucket: KvStore;
  let directory: ApiKeyDirectory;

  beforeAll(async () => {
    dir = await tempDir();
    state = SqliteState.open(path.join(dir.path, 'state.sqlite'));
    bucket = await state.bucket(BUCKETS.apiKeys, 'acme');
  });
  afterAll(async () => {
    await directory.close();
    await state.close();
    await dir[Symbol.asyncDispose]();
  });

  const store = async (over: { readonly expiresAtMs?: number } = {}) => {
    const key = mintApiKey({ name: 'agent', servers: ['work'], roles: [], createdAtMs: clock.now(), ...over });
    await bucket.put(key.record.id, encodeApiKeyRecord(key.record));
    return key;
  };

  it('knows every stored key as soon as it is open', async () => {
    const { text, record } = await store();
    await bucket.put('broken', Buffer.from('{'));
    directory = await ApiKeyDirectory.open(state, 'acme', clock, (id) => unreadable.push(id));
    expect(directory.verify(text)).toEqual(record);
    expect(unreadable).toEqual(['broken']);
  });

  it('takes up new keys and drops revoked ones', async () => {
    const { text, record } = await store();
    await eventually(() => expect(directory.verify(text)).toBeDefined());
    await bucket.delete(record.id);
    await eventually(() => expect(directory.verify(text)).toBeUndefined());
  });

  it('does not open for a key that has expired, to the millisecond', async () => {
    const { text } = await store({ expiresAtMs: clock.now() + 1_000 });
    await eventually(() => expect(directory.verify(text)).toBeDefined());
    clock.advance(999);
    expect(directory.verify(text)).toBeDefined();
    clock.advance(1);
    expect(directory.verify(text)).toBeUndefined();
  });

  it('does not open for a wrong secret, an unknown id or no key', async () => {
    const { text, record } = await store();
    await eventually(() => expect(directory.verify(text)).toBeDefined());
    for (const wrong of [
      `sy_${record.id}_${'A'.repeat(43)}`,
      mintApiKey({ name: '', servers: [], roles: [], createdAtMs: 0 }).text,
      'Bearer',
      '',
    ]) {
      expect(directory.verify(wrong)).toBeUndefined();
    }
  });

  it('knows nothing of the keys of another tenant', async () => {
    const { text } = await store();
    const other = await ApiKeyDirectory.open(state, 'other', clock);
    expect(other.verify(text)).toBeUndefined();
    await other.close();
  });
});
