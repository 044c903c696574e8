import { BUCKETS, DEFAULT_TENANT } from '@switchyard/contracts';
import { SqliteState } from '@switchyard/state';
import { FakeClock, tempDir, type TempDir } from '@switchyard/testing';
import path from 'node:path';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { OidcStore } from '../store/oidc-store.js';
import { limitGuesses, TooManyGuesses } from './guess-limit.js';

describe('A16: guesses of what a device shows', () => {
  let dir: TempDir;
  let state: SqliteState;
  let store: OidcStore;
  const clock = new FakeClock(0);

  beforeAll(async () => {
    dir = await tempDir();
    state = SqliteState.open(path.join(dir.path, 'state.sqlite'), { now: () => clock.now() });
    store = new OidcStore(await state.bucket(BUCKETS.oidc, DEFAULT_TENANT));
  });
  afterAll(async () => {
    await state.close();
    await dir[Symbol.asyncDispose]();
  });

  const from = (ip: string, accountId?: string) =>
    ({ ip, oidc: { session: accountId === undefined ? {} : { accountId } } }) as unknown as KoaContextWithOIDC;
  const guess = (ctx: KoaContextWithOIDC, found?: string) =>
    limitGuesses(ctx, store, () => Promise.resolve(found)).catch((error: unknown) => {
      if (error instanceof TooManyGuesses) return 'locked';
      throw error;
    });
  const lock = async (ctx: KoaContextWithOIDC) => {
    for (let i = 0; i < 5; i += 1) expect(await guess(ctx)).toBeUndefined();
    expect(await guess(ctx, 'right')).toBe('locked');
  };

  it('are looked at again ten minutes after the last wrong one', async () => {
    await lock(from('192.0.2.1'));
    clock.advance(599_000);
    expect(await guess(from('192.0.2.1'), 'right')).toBe('locked');
    clock.advance(1_001);
    expect(await guess(from('192.0.2.1'), 'right')).toBe('right');
  });

  it('count as wrong only where they are', async () => {
    for (let i = 0; i < 20; i += 1) expect(await guess(from('192.0.2.2'), 'right')).toBe('right');
    await lock(from('192.0.2.2'));
  });

  it.each<[id: string, one: KoaContextWithOIDC, other: KoaContextWithOIDC, together: boolean]>([
    ['two addresses', from('192.0.2.3'), from('192.0.2.4'), false],
    ['two hosts of one IPv6 network', from('2001:db8:1:2::1'), from('2001:db8:1:2:3:4:5:6'), true],
    ['two IPv6 networks', from('2001:db8:1:3::1'), from('2001:db8:1:4::1'), false],
    ['a person at two addresses', from('192.0.2.5', 'usr_1'), from('192.0.2.6', 'usr_1'), true],
    ['two people at one address', from('192.0.2.7', 'usr_2'), from('192.0.2.7', 'usr_3'), false],
    ['IPv4 written as IPv6', from('::ffff:192.0.2.8'), from('::ffff:192.0.2.9'), false],
  ])('are counted: %s', async (_id, one, other, together) => {
    await lock(one);
    expect(await guess(other, 'right')).toBe(together ? 'locked' : 'right');
  });
});
