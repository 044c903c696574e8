import { DEFAULT_TENANT } from '@switchyard/contracts';
import { SqliteState } from '@switchyard/state';
import { FakeClock, tempDir, type TempDir } from '@switchyard/testing';
import path from 'node:path';
import { ensureFirstAdminKey } from './first-admin-key.js';
import { KeyRegister } from './key-register.js';

describe('the first admin key', () => {
  let dir: TempDir;
  let state: SqliteState;
  let clock: FakeClock;
  let register: KeyRegister;

  beforeEach(async () => {
    dir = await tempDir();
    clock = new FakeClock();
    state = SqliteState.open(path.join(dir.path, 'state.sqlite'), { now: () => clock.now() });
    register = await KeyRegister.open(state, DEFAULT_TENANT, clock);
  });
  afterEach(async () => {
    await state.close();
    await dir[Symbol.asyncDispose]();
  });

  const ensure = (show: (text: string) => void) => ensureFirstAdminKey({ state, tenant: DEFAULT_TENANT, register, clock, show });
  const dies = () => {
    throw new Error('killed');
  };

  it('is made once by many who start at once', async () => {
    const shown: string[] = [];
    await Promise.all(Array.from({ length: 8 }, () => ensure((text) => void shown.push(text))));
    expect(shown).toHaveLength(1);
    expect(await register.list()).toHaveLength(1);
  });

  it('is made anew where a start died before it was shown, and the one that nobody saw is ended', async () => {
    await expect(ensure(dies)).rejects.toThrow('killed');
    const [unseen] = await register.list();
    const shown: string[] = [];
    await ensure((text) => void shown.push(text));
    expect(shown).toEqual([]);
    clock.advance(60_000);
    await ensure((text) => void shown.push(text));
    expect(shown).toHaveLength(1);
    expect((await register.list()).map(({ id }) => id)).not.toContain(unseen?.id);
    expect(await register.list()).toHaveLength(1);
  });

  it('is never made again, also when all keys have gone', async () => {
    const key = await ensure(() => undefined);
    await register.revoke(key?.id ?? '');
    clock.advance(600_000);
    expect(await ensure(dies)).toBeUndefined();
  });
});
