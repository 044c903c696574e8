import { SqliteState, type State } from '@switchyard/state';
import { FakeClock, tempDir } from '@switchyard/testing';
import path from 'node:path';
import { CredentialStore } from './credential-store.js';
import { fixed } from './credential.js';
import { Credentials } from './credentials.js';
import { newLocalKey, openKeyring } from './keyring/keyring.fixture.js';
import { ReferenceFiles } from './reference-files.js';
import { SecretStore } from './secret-store.js';

const template = fixed({ headers: { Authorization: '${secret:s}' }, env: {} });
const templates = new Map([['billing', template]]);
const kms = newLocalKey();

describe('credentials, while another vault works on the same', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let state: State;
  let other: { secrets: SecretStore; credentials: Credentials };

  beforeEach(async () => {
    dir = await tempDir();
    state = SqliteState.open(path.join(dir.path, 'state.sqlite'));
    other = await vault();
    await other.secrets.put('s', 'old');
  });
  afterEach(async () => {
    await state.close();
    await dir[Symbol.asyncDispose]();
  });

  /** A vault; `afterRead` runs each time that it has read a secret, before it does anything with it. */
  async function vault(afterRead: (readCount: number) => Promise<void> = () => Promise.resolve()) {
    const clock = new FakeClock();
    const keyring = await openKeyring(state, { tenant: 'default', kms, clock });
    const records = { keyring, local: undefined, tenant: 'default', clock };
    const secrets = await SecretStore.open(state, records);
    const store = await CredentialStore.open(state, records);
    let readCount = 0;
    const get: SecretStore['get'] = async (name) => {
      const read = await secrets.get(name);
      await afterRead(++readCount);
      return read;
    };
    const files = new ReferenceFiles({ directory: dir.path, ownFiles: [] });
    return { secrets, credentials: new Credentials(store, { env: {}, files, secrets: { get } }) };
  }

  const materialOf = async (credentials: Credentials) => {
    const read = await credentials.get('billing');
    return read.state === 'intact' ? read.credential.material?.headers['Authorization'] : read.state;
  };

  async function changeSecret(value: string): Promise<void> {
    await other.secrets.put('s', value);
    await other.credentials.secretChanged('s');
  }

  // Reads of one apply without contention: 1 looks for problems, 2 resolves, 3 checks that nothing moved.
  it.each([1, 2, 3])('end with the new secret where it changes after read %i', async (moment) => {
    const mine = await vault((readCount) => (readCount === moment ? changeSecret('new') : Promise.resolve()));
    await mine.credentials.apply(templates);
    expect(await materialOf(mine.credentials)).toBe('new');
  });

  it('end without material where the secret is deleted between check and use', async () => {
    const mine = await vault(async (readCount) => {
      if (readCount === 1) await other.secrets.delete('s');
    });
    const { versions, problems, changes } = await mine.credentials.apply(templates);
    expect(versions).toEqual({});
    expect(problems).toEqual([{ upstream: 'billing', message: expect.stringContaining('${secret:s} is not stored') }]);
    expect(changes).toMatchObject([{ upstream: 'billing', change: 'unresolved' }]);
    expect(await materialOf(mine.credentials)).toBeUndefined();
  });

  it('end with what was applied last', async () => {
    const plain = new Map([['billing', fixed({ headers: { Authorization: 'plain' }, env: {} })]]);
    const mine = await vault(async (readCount) => {
      if (readCount === 2) await other.credentials.apply(plain);
    });
    await mine.credentials.apply(templates);
    expect(await materialOf(mine.credentials)).toBe('old');
  });

  it('are not brought back by a change of a secret where they were deleted', async () => {
    await other.credentials.apply(templates);
    const mine = await vault(async (readCount) => {
      if (readCount === 1) await other.credentials.apply(new Map());
    });
    await mine.credentials.secretChanged('s');
    await mine.secrets.put('s', 'new');
    await mine.credentials.secretChanged('s');
    expect(await materialOf(mine.credentials)).toBe('absent');
  });
});
