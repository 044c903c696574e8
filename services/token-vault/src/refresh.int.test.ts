import { BUCKETS, DEFAULT_TENANT } from '@switchyard/contracts';
import { systemClock } from '@switchyard/runtime';
import { eventually, startNats, tempDir } from '@switchyard/testing';
import { ANA, BEN } from './front.fixture.js';
import { startOAuthUpstream } from './oauth-upstream.fixture.js';
import { leaseAt, shown, startPersonal, UPSTREAM, type Outcome, type PersonalRig } from './personal.fixture.js';
import { startVault, type VaultRig } from './vault.fixture.js';

const tokenOf = (outcome: Outcome) => ('token' in outcome ? outcome.token : outcome);
const versionOf = (outcome: Outcome) => ('version' in outcome ? outcome.version : '');
function leasedOf(outcome: Outcome): Extract<Outcome, { readonly token: string }> {
  if ('token' in outcome) return outcome;
  throw new Error(outcome.message);
}
const reasonOf = (outcome: Outcome) => ('reason' in outcome ? outcome.reason : 'leased');

/** Lease of a refresh as it stands in the store while it runs. */
async function leaseOfRefresh(rig: VaultRig): Promise<string[]> {
  const kv = await rig.platform.state.bucket(BUCKETS.connecting, DEFAULT_TENANT);
  return kv.keys('refresh ');
}

describe('an upstream token is renewed', () => {
  let p: PersonalRig;
  beforeEach(async () => {
    p = await startPersonal();
    // Ends within the margin: every lease needs a new one.
    p.upstream.expiresIn = 3;
    await p.connect(p.browser());
    p.upstream.expiresIn = 3600;
  });
  afterEach(() => p[Symbol.asyncDispose]());

  const changes = async (count: number) =>
    (await p.rig.events('connection.changed', count)).map(({ detail }) => detail?.['change']);

  it('once for all who call at the same time, and not again while the new one is good', async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => p.lease()));
    expect(new Set(outcomes.map(tokenOf)).size).toBe(1);
    expect(p.upstream.accountOf(String(tokenOf(await p.lease())))).toBe('ana@upstream');
    expect(p.upstream.refreshes).toBe(1);
    expect(await changes(3)).toEqual(['stored', 'connected', 'refreshed']);
    expect(p.upstream.lastToken.get('resource')).toBe(p.upstream.url);
  });

  it('for a call, of whose story it is part, also where its owner has to connect again', async () => {
    const call = { requestId: 'call-7', traceId: '0af7651916cd43dd8448eb211c80319c', server: 'work', clientName: 'agent' };
    await p.lease(ANA, { call });
    const said = { request_id: 'call-7', trace_id: call.traceId, server: 'work', client_name: 'agent', upstream: UPSTREAM };
    const [, , refreshed] = await p.rig.events('connection.changed', 3);
    expect(refreshed).toMatchObject({ ...said, detail: { change: 'refreshed' } });
    p.upstream.expiresIn = 3;
    await p.connect(p.browser());
    p.upstream.failing = { status: 400, error: 'invalid_grant' };
    await p.lease(ANA, { call: { ...call, requestId: 'call-8' } });
    const events = await p.rig.events('connection.changed', 5);
    expect(events.at(-1)).toMatchObject({ ...said, request_id: 'call-8', detail: { change: 'reauth_required' } });
  });

  it('when an upstream refuses it with 401: once, and never again for a token that is seconds old', async () => {
    const first = await p.lease();
    expect(p.upstream.refreshes).toBe(1);
    // The token of that lease is young: to renew it again would be a loop.
    expect(reasonOf(await p.lease(ANA, { rejectedVersion: versionOf(first) }))).toBe('connection_required');
    expect(reasonOf(await p.lease(ANA, { rejectedVersion: 'another' }))).toBe('leased');
    expect(p.upstream.refreshes).toBe(1);
  });

  it('before it ends, without anybody waiting for it, and then once', async () => {
    let skewMs = 0;
    await using clocked = await startPersonal({ clock: { ...systemClock, now: () => Date.now() + skewMs } });
    await clocked.connect(clocked.browser());
    const first = tokenOf(await clocked.lease());
    // 90 % of an hour: due for whatever jitter there was, and good for minutes.
    skewMs = 0.9 * 3_600_000;
    const authorization = () => ({ authorization: `Bearer ${clocked.front.token(ANA, { exp: Date.now() / 1000 + 7_200 })}` });
    expect(tokenOf(await clocked.lease(ANA, authorization()))).toBe(first);
    await eventually(async () => tokenOf(await clocked.lease(ANA, authorization())) !== first);
    expect(clocked.upstream.refreshes).toBe(1);
  });

  it('ends once where the upstream has ended the grant, and is not tried again (no loop)', async () => {
    p.upstream.failing = { status: 400, error: 'invalid_grant' };
    const outcomes = await Promise.all([p.lease(), p.lease(), p.lease()]);
    expect(outcomes.map(reasonOf)).toEqual(Array(3).fill('connection_required'));
    for (let i = 0; i < 5; i += 1) expect(reasonOf(await p.lease())).toBe('connection_required');
    expect(p.upstream.refreshes).toBe(1);
    const events = await p.rig.events('connection.changed', 3);
    expect(events.at(-1)).toMatchObject({ outcome: 'error', reason: 'grant_ended', detail: { change: 'reauth_required' } });
    p.upstream.failing = undefined;
    expect(shown(await p.browser().open(`/connect/${UPSTREAM}`)).text).toContain('has ended: connect it again');
    await p.connect(p.browser());
    expect(reasonOf(await p.lease())).toBe('leased');
  });

  it('later where its authorization server is away: the connection stands', async () => {
    p.upstream.failing = { status: 503, error: 'temporarily_unavailable' };
    expect(await p.lease()).toMatchObject({ reason: 'credential_unavailable' });
    // Who was just told to wait, waits: one request, however many call.
    expect(reasonOf(await p.lease())).toBe('credential_unavailable');
    expect(p.upstream.refreshes).toBe(1);
    p.upstream.failing = undefined;
    await eventually(async () => reasonOf(await p.lease()) === 'leased');
    expect(p.upstream.refreshes).toBe(2);
  });

  it('V7 new issuer: what stands goes on with the one that gave it, and the other is shown nothing of it', async () => {
    await using other = await startOAuthUpstream();
    p.upstream.resource = { authorization_servers: [other.issuer] };
    const { token } = leasedOf(await p.lease());
    expect([p.upstream.accountOf(token), p.upstream.refreshes, other.lastToken.size]).toEqual(['ana@upstream', 1, 0]);
    await p.connect(p.browser());
    const anew = leasedOf(await p.lease());
    expect([p.upstream.accountOf(anew.token), other.accountOf(anew.token)]).toEqual([undefined, 'ana@upstream']);
    // As a client of its own: what one issuer registered is never shown to another.
    expect([other.registrations, other.lastToken.get('client_id')]).toEqual([1, 'client-1']);
  });

  it('V7 new issuer in its own metadata: it is asked for nothing', async () => {
    p.upstream.metadata = { issuer: 'https://other.example' };
    expect(await p.lease()).toMatchObject({ reason: 'credential_unavailable' });
    expect(p.upstream.refreshes).toBe(0);
  });

  it('V7 new issuer, where the gateway was registered by hand: nobody is sent to it', async () => {
    await using other = await startOAuthUpstream();
    const settings = { url: p.upstream.url, client_id: 'gateway', issuer: p.upstream.issuer };
    await p.rig.apply([{ upstream: UPSTREAM, kind: 'oauth', settings }]);
    p.upstream.resource = { authorization_servers: [other.issuer] };
    const page = shown(await p.browser().open(`/connect/${UPSTREAM}`));
    expect([page.status, page.text.includes('issuer_changed')]).toEqual([502, true]);
    expect([other.registrations, other.lastAuthorization.size]).toEqual([0, 0]);
  });

  it('for nobody any more where its owner disconnected meanwhile: what came is given back', async () => {
    const browser = p.browser();
    const page = shown(await browser.open(`/connect/${UPSTREAM}`));
    p.upstream.onRefresh = async () => void (await browser.submit(page, { label: 'default', do: 'disconnect' }));
    expect(reasonOf(await p.lease())).toBe('connection_required');
    await eventually(() => p.upstream.revoked.length === 2);
  });

  it('V6 killed between rotation and commit: one retry, then `reauth_required` once', async () => {
    // What a killed vault leaves: a journal without an end, a refresh token that is used up, and a lease that ends by itself.
    p.upstream.losesAnswers = true;
    expect(reasonOf(await p.lease())).toBe('credential_unavailable');
    p.upstream.losesAnswers = false;
    const kv = await p.rig.platform.state.bucket(BUCKETS.connecting, DEFAULT_TENANT);
    const name = JSON.stringify([p.front.publicUrl, ANA.subject, UPSTREAM, 'default']);
    await kv.create(`refresh ${name}`, Buffer.from('of a dead vault'), { ttlMs: 2_000 });
    await eventually(async () => reasonOf(await p.lease()) === 'connection_required');
    for (let i = 0; i < 3; i += 1) expect(reasonOf(await p.lease())).toBe('connection_required');
    expect(p.upstream.refreshes).toBe(2);
    const ended = (await p.rig.events('connection.changed', 3)).filter(({ reason }) => reason === 'grant_ended');
    expect(ended).toHaveLength(1);
  }, 300_000);

  const answers: readonly [id: string, over: Record<string, unknown>, expected: string, scope?: string][] = [
    ['V7 no expiry', { expires_in: undefined }, 'leased'],
    ['V7 negative expiry', { expires_in: -5 }, 'connection_required'],
    ['V7 expired already', { expires_in: 0 }, 'connection_required'],
    ['V7 wider scope', { scope: 'read write admin' }, 'leased'],
    ['V7 another token type', { token_type: 'mac' }, 'connection_required'],
    ['V7 no token', { access_token: undefined }, 'connection_required'],
    ['V7 a token that splits the header', { access_token: 'a\r\nX-Evil: 1' }, 'connection_required'],
  ];
  it.each(answers)('%s', async (_id, over, expected) => {
    p.upstream.over = over;
    expect(reasonOf(await p.lease())).toBe(expected);
    p.upstream.over = {};
    expect(reasonOf(await p.lease())).toBe(expected);
    expect(p.upstream.refreshes).toBe(1);
    if (expected === 'leased') {
      // What was granted is never more than what was asked for: more is asked for anew.
      expect(reasonOf(await p.lease(ANA, { challengeScopes: ['admin'] }))).toBe('connection_required');
      await p.connect(p.browser());
      expect(p.upstream.lastAuthorization.get('scope')).toBe('read write admin');
    }
  });
});

describe('V7 the account of a connection', () => {
  it('V7 never becomes that of somebody else', async () => {
    await using p = await startPersonal();
    const idToken = (sub: string) => {
      const now = Math.floor(Date.now() / 1000);
      const claims = { iss: p.upstream.issuer, aud: 'client-1', sub, iat: now, exp: now + 300 };
      return [{ alg: 'RS256' }, claims, 'signature']
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.');
    };
    p.upstream.over = { id_token: idToken('ana'), expires_in: 3 };
    await p.connect(p.browser());
    p.upstream.over = { id_token: idToken('ana'), expires_in: 3 };
    expect(reasonOf(await p.lease())).toBe('leased');
    p.upstream.over = { id_token: idToken('eve') };
    expect(reasonOf(await p.lease())).toBe('connection_required');
    const events = await p.rig.events('connection.changed', 4);
    expect(events.at(-1)).toMatchObject({ reason: 'token_unusable', detail: { change: 'reauth_required' } });
  });
});

describe('V5, V10 several vaults on one store', () => {
  it('V5 3 replicas × 50 calls with an expired token: exactly 1 refresh; all calls succeed', async () => {
    await using dir = await tempDir();
    await using nats = await startNats();
    await using p = await startPersonal({ natsUrl: nats.url, dir: dir.path });
    p.upstream.expiresIn = 3;
    await p.connect(p.browser());
    p.upstream.expiresIn = 3600;
    const more = { natsUrl: nats.url, dir: dir.path, authServer: p.front.authServer };
    await using second = await startVault(more);
    await using third = await startVault(more);
    const before = p.upstream.refreshes;
    const vaults = [p.rig, second, third];
    const outcomes = await Promise.all(vaults.flatMap((rig) => Array.from({ length: 50 }, () => leaseAt(rig, p.front, ANA))));
    expect(new Set(outcomes.map(tokenOf)).size).toBe(1);
    expect(outcomes.every((outcome) => reasonOf(outcome) === 'leased')).toBe(true);
    expect(p.upstream.refreshes - before).toBe(1);
    expect(await leaseOfRefresh(p.rig)).toEqual([]);

    // V10: what one vault could not tell, another tells when it starts.
    p.upstream.revocationStatus = 503;
    const browser = p.browser();
    shown(await browser.submit(shown(await browser.open(`/connect/${UPSTREAM}`)), { label: 'default', do: 'disconnect' }));
    expect(reasonOf(await leaseAt(second, p.front, ANA))).toBe('connection_required');
    p.upstream.revocationStatus = 200;
    await using _fourth = await startVault(more);
    await eventually(() => p.upstream.revoked.length === 1);
    expect(reasonOf(await leaseAt(third, p.front, BEN))).toBe('connection_required');
  }, 300_000);
});
