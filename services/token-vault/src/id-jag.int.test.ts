import { DEFAULT_TENANT } from '@switchyard/contracts';
import { systemClock } from '@switchyard/runtime';
import { eventually } from '@switchyard/testing';
import { basicOf } from './exchange-server.fixture.js';
import { ANA, BEN, startFront, type Front } from './front.fixture.js';
import { startAssertedServer, startAsserter, type AssertedServer, type Asserter } from './id-jag.fixture.js';
import { leaseAt, refusalOfProgram, UPSTREAM, type Outcome } from './personal.fixture.js';
import { startVault, type VaultRig } from './vault.fixture.js';

const RESOURCE = 'https://crm.example.com/mcp';
const tokenOf = (outcome: Outcome) => ('token' in outcome ? outcome.token : outcome.message);

describe('tokens for what the company says of callers (ID-JAG)', () => {
  let undo: AsyncDisposableStack;
  let front: Front;
  let rig: VaultRig;
  let asserter: Asserter;
  let server: AssertedServer;
  let skewMs: number;

  beforeEach(async () => {
    undo = new AsyncDisposableStack();
    skewMs = 0;
    front = undo.use(await startFront());
    server = undo.use(await startAssertedServer());
    const clock = { ...systemClock, now: () => Date.now() + skewMs };
    rig = undo.use(await startVault({ authServer: front.authServer, env: { SECRET: 'canary-secret' }, clock }));
    asserter = undo.use(await startAsserter(rig.platform.rpc));
    const settings = { issuer: server.issuer, client_id: 'gateway', client_secret: '${env:SECRET}', resource: RESOURCE };
    const template = {
      upstream: UPSTREAM,
      kind: 'id-jag',
      headers: { 'X-Same': 'same' },
      settings: { ...settings, scopes: 'read write' },
    };
    expect((await rig.apply([template])).problems).toEqual([]);
    await front.publish(rig.platform.state, [UPSTREAM]);
  });
  afterEach(() => undo.disposeAsync());

  it('IJ-1 the assertion is asked for by name alone, and shown once, by the client that the gateway is there', async () => {
    const own = `Bearer ${front.token(ANA)}`;
    const leased = await leaseAt(rig, front, ANA, { authorization: own });
    expect(leased).toMatchObject({ headers: { 'X-Same': 'same', Authorization: `Bearer token-1-of-${ANA.subject}` } });
    expect('expiresAtMs' in leased && leased.expiresAtMs - Date.now()).toBeLessThanOrEqual(60_000);
    const [{ recipientJwk, $typeName: _type, ...asked } = { recipientJwk: '' }] = asserter.requests;
    expect(asked).toMatchObject({
      ...{ tenant: DEFAULT_TENANT, principalIssuer: front.publicUrl, principalSubject: ANA.subject },
      ...{ audience: server.issuer, resource: RESOURCE, scope: 'read write', upstream: UPSTREAM, requestId: 'request-1' },
    });
    expect(JSON.parse(recipientJwk)).toMatchObject({ kty: 'OKP', crv: 'X25519' });
    expect(server.asked).toEqual([
      {
        authorization: basicOf('gateway', 'canary-secret'),
        form: {
          grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
          assertion: `id-jag-1-of-${ANA.subject}`,
        },
      },
    ]);
  });

  it('IJ-2 one token is asked for by all who need it at once, and kept, for each person, whatever their client', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => leaseAt(rig, front, ANA)));
    expect(new Set(all.map(tokenOf))).toEqual(new Set([`token-1-of-${ANA.subject}`]));
    const other = { authorization: `Bearer ${front.token(ANA, { client_id: 'other' })}` };
    expect(tokenOf(await leaseAt(rig, front, ANA, other))).toBe(`token-1-of-${ANA.subject}`);
    expect([server.asked.length, asserter.requests.length]).toEqual([1, 1]);
  });

  it('IJ-3 one is used until four fifths of its life are over, then replaced while nobody waits, with another assertion', async () => {
    const authorization = () => ({ authorization: `Bearer ${front.token(ANA, { exp: Date.now() / 1000 + 7_200 })}` });
    await leaseAt(rig, front, ANA, authorization());
    skewMs = 470_000;
    expect(tokenOf(await leaseAt(rig, front, ANA, authorization()))).toBe(`token-1-of-${ANA.subject}`);
    expect(server.asked).toHaveLength(1);
    skewMs = 490_000;
    expect(tokenOf(await leaseAt(rig, front, ANA, authorization()))).toBe(`token-1-of-${ANA.subject}`);
    await eventually(() => server.asked.length === 2);
    expect(new Set(server.asked.map(({ form }) => form['assertion'])).size).toBe(2);
  });

  it('IJ-4 one that the upstream refuses is replaced once, when it is not young', async () => {
    const first = await leaseAt(rig, front, ANA);
    const rejectedVersion = 'version' in first ? first.version : '';
    expect(await leaseAt(rig, front, ANA, { rejectedVersion })).toMatchObject({ reason: 'credential_unavailable' });
    expect(server.asked).toHaveLength(1);
    skewMs = 31_000;
    expect(tokenOf(await leaseAt(rig, front, ANA, { rejectedVersion }))).toBe(`token-2-of-${ANA.subject}`);
    expect(tokenOf(await leaseAt(rig, front, ANA, { rejectedVersion }))).toBe(`token-2-of-${ANA.subject}`);
  });

  const refusals: readonly [id: string, reason: string, cause: string][] = [
    ['IJ-5 a sign-in that has ended', 'sign_in_again', 'sign_in_ended'],
    ['IJ-6 nobody of the company', 'not_signed_in_there', 'sign_in_ended'],
    ['IJ-7 a company that refuses', 'provider_refused', 'assertion_refused'],
    ['IJ-8 a company that is away', 'provider_unavailable', 'assertion_unavailable'],
    ['IJ-9 a refusal of a later version', 'something_new', 'assertion_refused'],
  ];
  it.each(refusals)(
    '%s: told as the authorization server says it, and the upstream hears nothing',
    async (_id, reason, cause) => {
      asserter.refusal = { reason, message: 'Sign in to this gateway again.' };
      const outcome = await leaseAt(rig, front, ANA);
      expect(outcome).toEqual({ reason: 'credential_unavailable', message: 'Sign in to this gateway again.', connectUrl: '' });
      expect(server.asked).toEqual([]);
      expect((await rig.events('connection.leased', 1)).at(-1)).toMatchObject({ outcome: 'denied', detail: { cause } });
      // What could not be had is not asked for again at once.
      await leaseAt(rig, front, ANA);
      expect(asserter.requests).toHaveLength(1);
      asserter.refusal = undefined;
      skewMs = 6_000;
      expect(tokenOf(await leaseAt(rig, front, ANA))).toBe(`token-1-of-${ANA.subject}`);
    },
  );

  it('IJ-10 an authorization server that fails gives nobody anything', async () => {
    asserter.isBroken = true;
    expect(tokenOf(await leaseAt(rig, front, ANA))).toMatch(/authorization server does not answer/);
    expect(server.asked).toEqual([]);
  });

  it('IJ-11 an assertion that the upstream does not take is told without its words', async () => {
    server.failing = { status: 400, error: 'invalid_grant' };
    const message = tokenOf(await leaseAt(rig, front, ANA));
    expect(message).toMatch(/does not accept what your company says of you \(invalid_grant\)/);
    expect(message).not.toContain('canary');
  });

  const unusable: readonly [id: string, over: Record<string, unknown>][] = [
    ['IJ-12 what is no bearer token', { token_type: 'N_A' }],
    ['IJ-13 one that splits the header', { access_token: 'a\r\nX-Evil: 1' }],
    ['IJ-14 one that had ended', { expires_in: 0 }],
  ];
  it.each(unusable)('%s is shown to nobody', async (_id, over) => {
    server.over = over;
    expect(await leaseAt(rig, front, ANA)).toMatchObject({ reason: 'credential_unavailable' });
    expect((await rig.events('connection.leased', 1)).at(-1)).toMatchObject({ detail: { cause: 'token_unusable' } });
  });

  it('IJ-15 nobody who is not proven, and nobody who is no person, is asserted', async () => {
    expect(await leaseAt(rig, front, ANA, { authorization: `Bearer ${front.token(BEN)}` })).toMatchObject({
      reason: 'caller_unproven',
    });
    expect(await refusalOfProgram(rig)).toMatchObject({ message: expect.stringContaining('you are no person') as unknown });
    expect(asserter.requests).toEqual([]);
  });
});
