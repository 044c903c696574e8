import { revocableToken, Revocations } from '@switchyard/api-keys';
import { BUCKETS, DEFAULT_TENANT } from '@switchyard/contracts';
import { SqliteState } from '@switchyard/state';
import { FakeClock, tempDir } from '@switchyard/testing';
import path from 'node:path';
import { STATE_PROFILES, type OpenStates } from '../fixtures/states.contract.js';
import { Ended } from '../revocation/ended.js';
import { RevocationRegister } from '../revocation/revocation-register.js';
import { GrantRevocations } from './grant-revocations.js';
import { KvAdapter, type AdapterContext } from './kv-adapter.js';
import { OidcStore } from './oidc-store.js';

const PARALLEL = 16;
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

describe.each(STATE_PROFILES)('the store of oidc-provider: %s', (_id, open) => {
  let states: OpenStates;
  let contexts: AdapterContext[];
  const clock = new FakeClock(Date.now());
  let turn = 0;

  beforeAll(async () => {
    states = await open();
    contexts = await Promise.all(
      states.states.map(async (state) => {
        const store = new OidcStore(await state.bucket(BUCKETS.oidc, DEFAULT_TENANT));
        const register = await RevocationRegister.open(state, DEFAULT_TENANT);
        const revocations = new GrantRevocations(store, register, () => undefined);
        const ended = new Ended('person', store, register, clock);
        const endedClients = new Ended('client', store, register, clock);
        return { store, clock, revocations, register, ended, endedClients };
      }),
    );
  });
  afterAll(() => states[Symbol.asyncDispose]());

  /** An adapter of one replica, each time of the next one. */
  const adapter = (model: string) => new KvAdapter(model, contexts[(turn += 1) % contexts.length] as AdapterContext);
  const outcomes = async (attempts: readonly Promise<unknown>[]) =>
    (await Promise.allSettled(attempts)).map(({ status }) => status);
  const all = (make: () => Promise<unknown>) => Array.from({ length: PARALLEL }, make);

  it.each(['AuthorizationCode', 'RefreshToken', 'DeviceCode', 'PushedAuthorizationRequest'])(
    'F1: of many who consume one %s at once, one does',
    async (model) => {
      for (let round = 0; round < 5; round += 1) {
        const id = `${model}-${round}`;
        await adapter(model).upsert(id, { grantId: 'grant-1', exp: inSeconds(60) }, 60);
        const results = await outcomes(all(() => adapter(model).consume(id)));
        expect(results.filter((status) => status === 'fulfilled')).toHaveLength(1);
      }
    },
  );

  it('PAR: of many who answer one pushed request at once, one is first, and others are told what it was', async () => {
    await adapter('PushedAuthorizationRequest').upsert('par-1', { exp: inSeconds(60) }, 60);
    const refused = (await Promise.allSettled(all(() => adapter('PushedAuthorizationRequest').consume('par-1')))).filter(
      ({ status }) => status === 'rejected',
    );
    expect(refused).toHaveLength(PARALLEL - 1);
    for (const { reason } of refused as PromiseRejectedResult[]) expect(reason).toMatchObject({ error: 'invalid_request_uri' });
  });

  it('A16: a device code that was answered or used stays so, whoever writes it later', async () => {
    const pending = { grantId: 'grant-1', exp: inSeconds(60), userCode: 'AAAA' };
    await adapter('DeviceCode').upsert('device-answered', pending, 60);
    const answers = ['usr_1', 'usr_2', 'usr_3'].map((accountId) =>
      adapter('DeviceCode').upsert('device-answered', { ...pending, accountId }, 60),
    );
    expect((await outcomes(answers)).filter((status) => status === 'fulfilled')).toHaveLength(1);
    const answered = await adapter('DeviceCode').find('device-answered');
    await adapter('DeviceCode').consume('device-answered');
    await expect(adapter('DeviceCode').upsert('device-answered', { ...pending, accountId: 'usr_4' }, 60)).rejects.toMatchObject({
      error: 'invalid_request',
    });
    expect(await adapter('DeviceCode').find('device-answered')).toMatchObject({
      accountId: answered?.accountId,
      consumed: expect.any(Number) as number,
    });
  });

  it('does not consume what is not there', async () => {
    await expect(adapter('AuthorizationCode').consume('none')).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  it('keeps the record of a consumed code, so that a replay is recognised', async () => {
    await adapter('AuthorizationCode').upsert('code-2', { grantId: 'grant-1', exp: inSeconds(60), clientId: 'c' }, 60);
    await adapter('AuthorizationCode').consume('code-2');
    expect(await adapter('AuthorizationCode').find('code-2')).toMatchObject({
      clientId: 'c',
      consumed: expect.any(Number) as number,
    });
  });

  it('refuses, and does not report as consumed, a refresh token that was rotated within ten seconds', async () => {
    await adapter('RefreshToken').upsert('token-2', { grantId: 'grant-1', exp: inSeconds(60) }, 60);
    await adapter('RefreshToken').consume('token-2');
    await expect(adapter('RefreshToken').find('token-2')).rejects.toMatchObject({ error: 'invalid_grant' });
    clock.advance(10_000);
    expect(await adapter('RefreshToken').find('token-2')).toMatchObject({ consumed: expect.any(Number) as number });
  });

  it('finds sessions by their uid and device codes by their user code', async () => {
    await adapter('Session').upsert('session-1', { uid: 'uid-1', accountId: 'a' }, 60);
    await adapter('DeviceCode').upsert('device-1', { userCode: 'CODE', exp: inSeconds(60) }, 60);
    expect(await adapter('Session').findByUid('uid-1')).toMatchObject({ accountId: 'a' });
    expect(await adapter('DeviceCode').findByUserCode('CODE')).toMatchObject({ userCode: 'CODE' });
    await adapter('Session').destroy('session-1');
    expect(await adapter('Session').findByUid('uid-1')).toBeUndefined();
    expect(await adapter('Session').findByUid('uid-2')).toBeUndefined();
  });

  it('one tombstone ends everything of a grant, and nothing of another', async () => {
    const expiry = { exp: inSeconds(60) };
    for (const grantId of ['grant-3', 'grant-4']) {
      await adapter('Grant').upsert(grantId, expiry, 60);
      await adapter('RefreshToken').upsert(`token-of-${grantId}`, { grantId, ...expiry }, 60);
      await adapter('AuthorizationCode').upsert(`code-of-${grantId}`, { grantId, ...expiry }, 60);
    }
    await adapter('RefreshToken').revokeByGrantId('grant-3');
    const found = async (grantId: string) => [
      await adapter('Grant').find(grantId),
      await adapter('RefreshToken').find(`token-of-${grantId}`),
      await adapter('AuthorizationCode').find(`code-of-${grantId}`),
    ];
    expect(await found('grant-3')).toEqual([undefined, undefined, undefined]);
    expect(await found('grant-4')).not.toContain(undefined);
  });

  it('a client that is deleted takes the access tokens that it was given with it', async () => {
    await adapter('Client').upsert('client-1', { client_id: 'client-1' });
    await adapter('Client').destroy('client-1');
    expect(await adapter('Client').find('client-1')).toBeUndefined();
    const revocations = await Revocations.open(states.states[0]!, DEFAULT_TENANT, () => undefined);
    const token = (clientId: string, grantedAtMs: number) =>
      revocableToken({ tokenId: 't', grantId: 'g', subject: 's', clientId, grantedAtMs });
    const now = clock.now();
    const covered = [token('client-1', now), token('client-1', now + 1_000), token('client-2', now)].map((it) =>
      revocations.covers(it),
    );
    expect(covered).toEqual([true, false, false]);
    await revocations.close();
  });

  it('leaves no token, code or session id in the store', async () => {
    const id = 'canary-4711-of-a-refresh-token';
    await adapter('RefreshToken').upsert(id, { jti: id, grantId: 'canary-4711-grant', exp: inSeconds(60) }, 60);
    const bucket = await (states.states[0] as (typeof states.states)[0]).bucket(BUCKETS.oidc, DEFAULT_TENANT);
    const keys = await bucket.keys();
    const values = await Promise.all(
      keys.map(async (key) => Buffer.from((await bucket.get(key))?.value ?? []).toString('latin1')),
    );
    expect([...keys, ...values].join('\n')).not.toContain('canary-4711');
  });
});

describe('a pushed request', () => {
  it('is known as used for as long after its end as somebody may take to sign in', async () => {
    await using dir = await tempDir();
    const clock = new FakeClock(Date.now());
    const state = SqliteState.open(path.join(dir.path, 'state.sqlite'), { now: () => clock.now() });
    const store = new OidcStore(await state.bucket(BUCKETS.oidc, DEFAULT_TENANT));
    const register = await RevocationRegister.open(state, DEFAULT_TENANT);
    const revocations = new GrantRevocations(store, register, () => undefined);
    const ended = new Ended('person', store, register, clock);
    const adapter = new KvAdapter('PushedAuthorizationRequest', {
      store,
      clock,
      revocations,
      register,
      ended,
      endedClients: new Ended('client', store, register, clock),
    });
    await adapter.upsert('par', { exp: clock.now() / 1000 + 60 }, 60);
    clock.advance(5 * 60_000);
    await adapter.consume('par');
    clock.advance(5 * 60_000);
    await expect(adapter.consume('par')).rejects.toMatchObject({ error: 'invalid_request_uri' });
    expect(await adapter.find('par')).toMatchObject({ consumed: expect.any(Number) as number });
    clock.advance(2 * 60_000);
    expect(await adapter.find('par')).toBeUndefined();
    await state.close();
  });
});
