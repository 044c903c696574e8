import { DEFAULT_TENANT } from '@switchyard/contracts';
import { systemClock } from '@switchyard/runtime';
import { eventually } from '@switchyard/testing';
import { basicOf, startExchangeServer, type ExchangeServer } from './exchange-server.fixture.js';
import { ANA, BEN, startFront, type Front } from './front.fixture.js';
import { leaseAt, refusalOfProgram, UPSTREAM, type Outcome } from './personal.fixture.js';
import { startVault, type VaultRig } from './vault.fixture.js';

const RESOURCE = 'https://crm.example.com/mcp';
const tokenOf = (outcome: Outcome) => ('token' in outcome ? outcome.token : outcome.message);

describe('tokens in exchange for what the gateway states of callers', () => {
  let undo: AsyncDisposableStack;
  let front: Front;
  let rig: VaultRig;
  let server: ExchangeServer;
  let skewMs: number;

  const configure = (more: Record<string, string> = {}) =>
    rig.apply([
      {
        ...{ upstream: UPSTREAM, kind: 'token-exchange', headers: { 'X-Same': 'same' } },
        settings: { issuer: server.issuer, client_id: 'gateway', client_secret: '${env:SECRET}', resource: RESOURCE, ...more },
        teams: [{ team: { name: 'finance', emails: [ANA.email], claims: [], services: [] }, settings: {} }],
      },
    ]);

  beforeEach(async () => {
    undo = new AsyncDisposableStack();
    skewMs = 0;
    front = undo.use(await startFront());
    const clock = { ...systemClock, now: () => Date.now() + skewMs };
    rig = undo.use(await startVault({ authServer: front.authServer, env: { SECRET: 'canary-secret' }, clock }));
    server = undo.use(
      await startExchangeServer(`${rig.vault.urls['http']}/.well-known/switchyard-user-jwks.json`, front.publicUrl),
    );
    expect((await configure()).problems).toEqual([]);
    await front.publish(rig.platform.state, [UPSTREAM]);
  });
  afterEach(() => undo.disposeAsync());

  it('TX-1 are bound to the server that gives them, to the upstream and to the caller, and the client’s own token goes nowhere', async () => {
    await configure({ scopes: 'read write', audience: 'crm' });
    const own = `Bearer ${front.token(ANA)}`;
    const leased = await leaseAt(rig, front, ANA, { authorization: own });
    expect(leased).toMatchObject({
      headers: { 'X-Same': 'same', Authorization: `Bearer token-1-of-${ANA.subject}` },
    });
    expect('expiresAtMs' in leased && leased.expiresAtMs - Date.now()).toBeLessThanOrEqual(60_000);
    const [asked] = server.asked;
    expect(asked?.authorization).toBe(basicOf('gateway', 'canary-secret'));
    const { subject_token: subjectToken = '', ...form } = Object.fromEntries(asked?.form ?? []);
    expect(form).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      resource: RESOURCE,
      audience: 'crm',
      scope: 'read write',
    });
    expect(own).not.toContain(subjectToken);
    expect(asked?.header).toMatchObject({ alg: 'ES256', typ: 'switchyard-subject+jwt' });
    expect(asked?.claims).toMatchObject({
      ...{ iss: front.publicUrl, aud: server.issuer, resource: RESOURCE, sub: ANA.subject, email: ANA.email },
      ...{ teams: ['finance'], client_id: 'client', act: { sub: 'client' }, kind: 'user', tenant: DEFAULT_TENANT },
    });
    expect(Number(asked?.claims['exp']) - Number(asked?.claims['iat'])).toBe(60);
  });

  it('TX-2 one is asked for by all who need it at once, and kept, for each person and what is true of them', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => leaseAt(rig, front, ANA)));
    expect(new Set(all.map(tokenOf))).toEqual(new Set([`token-1-of-${ANA.subject}`]));
    expect(tokenOf(await leaseAt(rig, front, BEN))).toBe(`token-2-of-${BEN.subject}`);
    expect(tokenOf(await leaseAt(rig, front, ANA))).toBe(`token-1-of-${ANA.subject}`);
    // Another client, and another address, are stated, so that the token may say them.
    const other = { authorization: `Bearer ${front.token(ANA, { client_id: 'other' })}` };
    expect(tokenOf(await leaseAt(rig, front, ANA, other))).toBe(`token-3-of-${ANA.subject}`);
    expect(server.asked).toHaveLength(3);
  });

  it('TX-3 one is used until four fifths of its life are over, then replaced while nobody waits', async () => {
    await leaseAt(rig, front, ANA);
    const authorization = () => ({ authorization: `Bearer ${front.token(ANA, { exp: Date.now() / 1000 + 7_200 })}` });
    skewMs = 470_000;
    expect(tokenOf(await leaseAt(rig, front, ANA, authorization()))).toBe(`token-1-of-${ANA.subject}`);
    expect(server.asked).toHaveLength(1);
    skewMs = 490_000;
    expect(tokenOf(await leaseAt(rig, front, ANA, authorization()))).toBe(`token-1-of-${ANA.subject}`);
    await eventually(() => server.asked.length === 2);
  });

  it('TX-4 one that the upstream refuses is not asked for again while it is young, and once when it is not', async () => {
    const first = await leaseAt(rig, front, ANA);
    const rejectedVersion = 'version' in first ? first.version : '';
    expect(await leaseAt(rig, front, ANA, { rejectedVersion })).toMatchObject({ reason: 'credential_unavailable' });
    expect(server.asked).toHaveLength(1);
    skewMs = 31_000;
    expect(tokenOf(await leaseAt(rig, front, ANA, { rejectedVersion }))).toMatch(/^token-2-/);
    expect(tokenOf(await leaseAt(rig, front, ANA, { rejectedVersion }))).toMatch(/^token-2-/);
    expect(server.asked).toHaveLength(2);
  });

  const unusable: readonly [id: string, over: Record<string, unknown>][] = [
    ['TX-5 an ID token instead', { issued_token_type: 'urn:ietf:params:oauth:token-type:id_token' }],
    ['TX-6 what is no bearer token', { token_type: 'N_A' }],
    ['TX-7 one that splits the header', { access_token: 'a\r\nX-Evil: 1' }],
    ['TX-8 one that had ended', { expires_in: 0 }],
  ];
  it.each(unusable)('%s is shown to nobody', async (_id, over) => {
    server.over = over;
    expect(await leaseAt(rig, front, ANA)).toMatchObject({ reason: 'credential_unavailable' });
    const event = (await rig.events('connection.leased', 1)).at(-1);
    expect(event).toMatchObject({ outcome: 'denied', detail: { cause: 'token_unusable' } });
  });

  it('TX-9 what the server does not accept is told without its words, and not asked again at once', async () => {
    server.failing = { status: 400, error: 'invalid_grant' };
    const outcomes = [await leaseAt(rig, front, ANA), await leaseAt(rig, front, ANA)];
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ reason: 'credential_unavailable', connectUrl: '' });
      expect(tokenOf(outcome)).toMatch(/does not accept what this gateway states of you \(invalid_grant\)/);
    }
    expect(server.asked).toHaveLength(1);
    server.failing = undefined;
    skewMs = 6_000;
    expect(tokenOf(await leaseAt(rig, front, ANA))).toMatch(/^token-2-/);
  });

  it('TX-10 nobody who is not proven, and nobody who is no person, has one', async () => {
    expect(await leaseAt(rig, front, ANA, { authorization: `Bearer ${front.token(BEN)}` })).toMatchObject({
      reason: 'caller_unproven',
    });
    expect(await refusalOfProgram(rig)).toMatchObject({
      reason: 'credential_unavailable',
      message: expect.stringContaining('you are no person') as unknown,
    });
    expect(server.asked).toEqual([]);
  });
});
