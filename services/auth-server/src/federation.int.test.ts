import { AccessTokenVerifier } from '@switchyard/oauth';
import { systemClock } from '@switchyard/runtime';
import { SqliteState } from '@switchyard/state';
import { eventually, FakeClock, tempDir, type TempDir } from '@switchyard/testing';
import path from 'node:path';
import { startCompanyIdp, type CompanyIdp, type Employee } from './fixtures/company-idp.js';
import { claimsOf as claimsOfToken, deadTokens } from './fixtures/dead-tokens.js';
import { publishServers, startServers, type RunningServers } from './fixtures/running-server.js';
import { departed, REDIRECT_URI, shown, TestBrowser } from './fixtures/test-browser.js';
import { TestClient } from './fixtures/test-client.js';

const PUBLIC_URL = 'http://localhost:8080';
const ana: Employee = {
  sub: '00u1',
  claims: { name: 'Ana', email: 'Ana@Example.com', email_verified: true, groups: ['finance', 'everyone', 'staff'] },
};
const provider = (idp: CompanyIdp, more = '') =>
  `{ title: Example Corp, issuer: "${idp.issuer}", clientId: switchyard, clientSecret: "\${env:IDP_SECRET}", teamsClaim: groups${more} }`;

describe('sign-in at the identity provider of a company', () => {
  let dir: TempDir;
  let state: SqliteState;
  let idp: CompanyIdp;
  let second: CompanyIdp;
  let servers: RunningServers;
  let client: TestClient;
  let browser: TestBrowser;
  const clock = new FakeClock(Date.now());

  beforeAll(async () => {
    dir = await tempDir();
    state = SqliteState.open(path.join(dir.path, 'state.sqlite'));
    idp = await startCompanyIdp([`${PUBLIC_URL}/oauth/callback/staff`]);
    second = await startCompanyIdp([`${PUBLIC_URL}/oauth/callback/partners`], { thinIdTokens: true });
    const sections = `identity:\n  mode: oidc\n  providers:\n    staff: ${provider(idp)}\n    partners: ${provider(second, ', require: { groups: [staff, admins] }')}\n`;
    servers = await startServers({
      ...{ states: [state], clock, dir: dir.path, sections },
      env: { IDP_SECRET: idp.clientSecret },
    });
    await publishServers(state, ['work', 'open'], ['finance', 'staff']);
    client = new TestClient(servers.publicUrl, servers.urls);
    await client.register();
  });
  afterAll(async () => {
    await servers.close();
    await state.close();
    for (const one of [idp, second]) await one[Symbol.asyncDispose]();
    await dir[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    clock.setWallClock(Date.now());
    for (const one of [idp, second]) {
      Object.assign(one, { who: ana, isDown: false, givesRefreshTokens: true });
      one.employees.clear();
      one.employees.set(ana.sub, ana);
    }
    browser = newBrowser();
    servers.events.length = 0;
  });

  const newBrowser = () => new TestBrowser(servers.publicUrl, servers.urls, [idp.issuer, second.issuer]);
  const openSignIn = async (over: Record<string, string | undefined> = {}, by = browser) => {
    const { url, verifier } = client.authorizationUrl(over);
    return { page: shown(await by.open(url)), verifier };
  };
  const choose = async (name = 'staff', over: Record<string, string | undefined> = {}) => {
    const { page, verifier } = await openSignIn(over);
    return { page: shown(await browser.submit(page, { provider: name })), verifier };
  };
  const signIn = async (name = 'staff') => {
    browser = newBrowser();
    const { page, verifier } = await choose(name);
    const { location } = departed(await browser.submit(page, { do: 'approve' }));
    const code = location.searchParams.get('code') ?? '';
    return client.redeem({ code, verifier, redirectUri: REDIRECT_URI });
  };
  const claimsOf = (json: Record<string, unknown>) => claimsOfToken(json['access_token']);
  /** Whether edges refuse the access tokens of these answers. */
  const areDead = async (answers: readonly { readonly json: Record<string, unknown> }[]) => {
    const dead = await deadTokens(state);
    const known = await Promise.all(answers.map(({ json }) => dead.has(json['access_token'])));
    await dead.close();
    return known;
  };
  const pass = (ms: number) => clock.advance(ms);

  it('goes over the company to a token with the person and their teams, and names nobody else', async () => {
    const { page } = await openSignIn();
    expect(page.text).toContain('Test client');
    expect(page.text).toContain('an app on this device');
    expect(page.text.match(/Continue with Example Corp/g)).toHaveLength(2);
    expect(page.text).not.toContain('E-mail address');
    const { json } = await signIn();
    expect(claimsOf(json)).toMatchObject({
      email: 'ana@example.com',
      sy_claims: ['finance', 'staff'],
      sub: expect.stringMatching(/^usr_/) as string,
    });
    const verifier = new AccessTokenVerifier({
      issuer: PUBLIC_URL,
      jwksUrl: `${servers.urls[0]}/oauth/jwks`,
      fetch,
      clock: systemClock,
    });
    expect(await verifier.verify(String(json['access_token']), `${PUBLIC_URL}/mcp/work`)).toMatchObject({
      ok: true,
      principal: { name: 'ana@example.com', email: 'ana@example.com', claims: ['finance', 'staff'] },
    });
    expect(
      servers.events.map(({ type, outcome, principal_name: name, detail }) => [type, outcome, name, detail?.['provider']]),
    ).toEqual([
      ['auth.signed_in', 'ok', 'ana@example.com', 'staff'],
      ['auth.token_issued', 'ok', 'ana@example.com', undefined],
    ]);
    expect(Object.fromEntries(idp.lastRequest)).toMatchObject({
      code_challenge_method: 'S256',
      nonce: expect.stringMatching(/^[\w-]{43}$/) as string,
      state: expect.stringMatching(/^[\w-]{43}$/) as string,
      redirect_uri: `${PUBLIC_URL}/oauth/callback/staff`,
    });
  });

  it('reads from userinfo what a provider keeps out of its ID tokens', async () => {
    expect(claimsOf((await signIn('partners')).json)).toMatchObject({
      email: 'ana@example.com',
      sy_claims: ['finance', 'staff'],
    });
  });

  describe('A23: who somebody is', () => {
    const sign = async (claims: Record<string, unknown>, name = 'staff', sub = ana.sub) => {
      const one = name === 'staff' ? idp : second;
      const employee = { sub, claims: { groups: ['staff'], ...claims } };
      one.employees.set(sub, employee);
      one.who = employee;
      return claimsOf((await signIn(name)).json);
    };

    it('stays the same when their address changes', async () => {
      const before = await sign({ email: 'ana@example.com', email_verified: true });
      const after = await sign({ email: 'ana@married.example', email_verified: true });
      expect([after['sub'], after['email']]).toEqual([before['sub'], 'ana@married.example']);
    });

    it('is another where another account has the same address, and where another provider has the same subject', async () => {
      const email = { email: 'ana@example.com', email_verified: true };
      const subjects = [await sign(email), await sign(email, 'staff', '00u2'), await sign(email, 'partners')].map(
        ({ sub }) => sub,
      );
      expect(new Set(subjects).size).toBe(3);
    });

    it.each([
      ['says nothing', {}],
      ['says no', { email_verified: false }],
      ['says so in words', { email_verified: 'no' }],
    ])('has no address that the provider %s of', async (_id, more) => {
      expect(await sign({ email: 'ceo@example.com', preferred_username: 'mallory', ...more })).not.toHaveProperty('email');
      expect(servers.events[0]).toMatchObject({ type: 'auth.signed_in', principal_name: 'mallory' });
    });
  });

  it('lets in only who has the claims that are required', async () => {
    const guest = { sub: '00g1', claims: { email: 'g@example.com', groups: ['guests'] } };
    second.employees.set(guest.sub, guest);
    second.who = guest;
    const { page } = await choose('partners');
    expect([page.status, page.text.includes('Your account may not use this gateway')]).toEqual([403, true]);
    expect(servers.events).toEqual([
      expect.objectContaining({ type: 'auth.rejected', outcome: 'denied', reason: 'not_admitted', http_status: 403 }),
    ]);
  });

  describe('what goes wrong on the way', () => {
    it('the company does not let somebody in', async () => {
      idp.who = undefined;
      const { page } = await choose();
      expect([page.status, page.text.includes('did not let you in'), page.text.includes('not today')]).toEqual([
        403,
        true,
        false,
      ]);
      expect(servers.events.at(-1)).toMatchObject({
        type: 'auth.rejected',
        reason: 'idp_refused',
        detail: { provider: 'staff', code: 'access_denied' },
      });
    });

    it('the company is away after it was found', async () => {
      await signIn();
      browser = newBrowser();
      browser.onNavigation = (target) => {
        if (target.pathname.startsWith('/oauth/callback/')) idp.isDown = true;
        return undefined;
      };
      const { page } = await choose();
      expect([page.status, page.text.includes('does not answer')]).toEqual([503, true]);
      expect(servers.events.at(-1)).toMatchObject({ type: 'auth.rejected', reason: 'idp_unavailable' });
    });

    it('the page offers no such provider', async () => {
      const { page } = await openSignIn();
      expect(shown(await browser.submit(page, { provider: 'nobody' })).status).toBe(400);
    });

    it.each(['approve', 'sign-in'])('a form that says %s signs nobody in', async (action) => {
      const { page } = await openSignIn();
      const answer = shown(await browser.submit(page, { do: action, email: 'ceo@example.com' }));
      expect(answer.text).toContain('Continue with Example Corp');
      expect(servers.events).toEqual([]);
    });
  });

  describe('A7, A9: an answer that is not what was asked for', () => {
    const tampered = async (change: (callback: URL) => void) => {
      browser.onNavigation = (target) => {
        if (target.pathname.startsWith('/oauth/callback/')) change(target);
        return target;
      };
      return (await choose()).page;
    };
    const expectRefused = (reason: string) => {
      expect(servers.events.map(({ type }) => type)).toEqual(['auth.rejected']);
      expect(servers.events[0]).toMatchObject({ outcome: 'denied', reason });
    };

    it.each<[id: string, change: (callback: URL) => void, status: number, reason: string]>([
      ['iss of another provider', (url) => url.searchParams.set('iss', second.issuer), 400, 'idp_answer_invalid'],
      ['no iss though the provider says that it sends it', (url) => url.searchParams.delete('iss'), 400, 'idp_answer_invalid'],
      ['two iss', (url) => url.searchParams.append('iss', second.issuer), 400, 'idp_answer_invalid'],
      ['unknown state', (url) => url.searchParams.set('state', 'x'.repeat(43)), 400, 'sign_in_unknown'],
      ['no state', (url) => url.searchParams.delete('state'), 400, 'sign_in_unknown'],
      [
        'an error in the name of another provider',
        (url) => (url.search = `?error=access_denied&state=${url.searchParams.get('state')}&iss=${second.issuer}`),
        400,
        'idp_answer_invalid',
      ],
      ['the address of another provider', (url) => (url.pathname = '/oauth/callback/partners'), 400, 'sign_in_unknown'],
    ])('%s', async (_id, change, status, reason) => {
      const page = await tampered(change);
      expect([page.status, page.headers.get('content-type')]).toEqual([status, 'text/html; charset=utf-8']);
      expectRefused(reason);
    });

    it('an unknown code', async () => {
      const page = await tampered((url) => url.searchParams.set('code', 'x'));
      expect(page.status).toBe(400);
      expectRefused('idp_answer_invalid');
    });

    it('the code of another sign-in: PKCE and nonce refuse it', async () => {
      let stolen = '';
      const thief = newBrowser();
      thief.onNavigation = (target) => {
        if (!target.pathname.startsWith('/oauth/callback/')) return undefined;
        stolen = target.searchParams.get('code') ?? '';
        return new URL('https://elsewhere.example/');
      };
      departed(await thief.submit((await openSignIn({}, thief)).page, { provider: 'staff' }));
      const page = await tampered((url) => url.searchParams.set('code', stolen));
      expect(page.status).toBe(400);
      expectRefused('idp_answer_invalid');
    });

    it('A7: brought to another browser, whatever that has signed in to; the one that began it can still end it', async () => {
      let callback = new URL('https://elsewhere.example/');
      browser.onNavigation = (target) => {
        if (!target.pathname.startsWith('/oauth/callback/')) return undefined;
        callback = target;
        return new URL('https://elsewhere.example/');
      };
      departed(await browser.submit((await openSignIn()).page, { provider: 'staff' }));
      browser.onNavigation = () => undefined;
      const victim = newBrowser();
      await victim.submit((await openSignIn({}, victim)).page, { provider: 'staff' });
      servers.events.length = 0;
      const page = shown(await victim.open(callback));
      expect([page.status, page.text.includes('started in another browser')]).toEqual([400, true]);
      expectRefused('foreign_browser');
      expect(shown(await browser.open(callback)).text).toContain('Allow Test client');
      const again = shown(await browser.open(callback));
      expect([again.status, again.text.includes('has been used already')]).toEqual([400, true]);
    });
  });

  it('somebody who is somebody else is asked anew at the company', async () => {
    const { page } = await choose();
    const other = shown(await browser.open(`${page.url}?account=other`));
    await browser.submit(other, { provider: 'staff' });
    expect(idp.lastRequest.get('prompt')).toBe('login');
  });

  it.each([
    ['max_age', { max_age: '100', scope: 'mcp openid' }, { max_age: '100' }],
    ['prompt=login', { prompt: 'login' }, { prompt: 'login' }],
  ])('passes on that the client wants fresh proof: %s', async (_id, over, expected) => {
    const { page } = await choose('staff', over);
    expect(page.text).toContain('Allow Test client');
    expect(Object.fromEntries(idp.lastRequest)).toMatchObject(expected);
  });

  describe('A19: whether somebody may still sign in is asked again at refresh', () => {
    const refreshOf = ({ json }: { json: Record<string, unknown> }) => String(json['refresh_token']);

    it('no earlier than configured; a change of teams is in the next token', async () => {
      const tokens = await signIn();
      idp.employees.set(ana.sub, { ...ana, claims: { ...ana.claims, groups: ['staff'] } });
      const early = await client.refresh(refreshOf(tokens));
      expect(claimsOf(early.json)['sy_claims']).toEqual(['finance', 'staff']);
      pass(300_000);
      const late = await client.refresh(refreshOf(early));
      expect(claimsOf(late.json)['sy_claims']).toEqual(['staff']);
      // The provider rotates its refresh tokens too.
      pass(300_000);
      expect((await client.refresh(refreshOf(late))).status).toBe(200);
    });

    it('who has left the company is signed out everywhere, with one event', async () => {
      const leaver = { ...ana, sub: '00l1' };
      idp.employees.set(leaver.sub, leaver);
      idp.who = leaver;
      const tokens = await signIn();
      const other = await signIn();
      const signedInBrowser = browser;
      idp.employees.clear();
      pass(300_000);
      servers.events.length = 0;
      expect(await client.refresh(refreshOf(tokens))).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
      expect(servers.events.map(({ type, reason }) => [type, reason])).toEqual([
        ['auth.signed_out', 'provider_refused'],
        ['auth.rejected', 'invalid_grant'],
      ]);
      expect(await client.refresh(refreshOf(other))).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
      expect(await areDead([tokens, other])).toEqual([true, true]);
      expect((await openSignIn({}, signedInBrowser)).page.text).toContain('Continue with Example Corp');
    });

    it('a provider that is away signs nobody out, for a day', async () => {
      let tokens = await signIn();
      idp.isDown = true;
      for (const hours of [1, 22]) {
        pass(hours * 3_600_000);
        tokens = await client.refresh(refreshOf(tokens));
        expect(tokens.status).toBe(200);
      }
      pass(2 * 3_600_000);
      expect(await client.refresh(refreshOf(tokens))).toMatchObject({ json: { error: 'temporarily_unavailable' } });
      idp.isDown = false;
      expect((await client.refresh(refreshOf(tokens))).status).toBe(200);
    });

    it('is asked of userinfo where there is no refresh token', async () => {
      idp.givesRefreshTokens = false;
      idp.who = { sub: '00n1', claims: ana.claims };
      idp.employees.set('00n1', idp.who);
      const tokens = await signIn();
      idp.employees.set('00n1', { sub: '00n1', claims: { ...ana.claims, groups: [] } });
      pass(300_000);
      const refreshed = await client.refresh(refreshOf(tokens));
      expect([refreshed.status, claimsOf(refreshed.json)['sy_claims']]).toEqual([200, []]);
    });

    it('refreshes that arrive together ask once, so that the provider sees no reuse', async () => {
      const all = [await signIn(), await signIn(), await signIn(), await signIn()];
      pass(300_000);
      const before = idp.asked.get('/token') ?? 0;
      const answers = await Promise.all(all.map((tokens) => client.refresh(refreshOf(tokens))));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
      expect((idp.asked.get('/token') ?? 0) - before).toBe(1);
    });
  });

  describe('A19: back-channel logout', () => {
    const person = { ...ana, sub: '00b1' };
    const post = (logout_token: string, name = 'staff') => {
      // Tokens go by the clock of the machine.
      clock.setWallClock(Date.now());
      return client.fetch(`/oauth/backchannel-logout/${name}`, { method: 'POST', body: new URLSearchParams({ logout_token }) });
    };
    const signInPerson = async () => {
      idp.employees.set(person.sub, person);
      idp.who = person;
      const tokens = await signIn();
      servers.events.length = 0;
      return tokens;
    };
    const refresh = ({ json }: { json: Record<string, unknown> }) => client.refresh(String(json['refresh_token']));

    it.each(['sub', 'sid'])('ends what a person has, found by %s, with one event; signing in begins anew', async (by) => {
      const tokens = [await signInPerson(), await signInPerson()];
      expect(await areDead(tokens)).toEqual([false, false]);
      const signedInBrowser = browser;
      const order = by === 'sub' ? { sub: person.sub } : { sid: idp.lastSid };
      const answer = await post(idp.logoutToken(order));
      expect([answer.status, answer.text, answer.headers.get('cache-control')]).toEqual([200, '', 'no-store']);
      expect(servers.events.map(({ type, reason, principal_name: name }) => [type, reason, name])).toEqual([
        ['auth.signed_out', 'backchannel_logout', 'ana@example.com'],
      ]);
      expect(await areDead(tokens)).toEqual([true, true]);
      for (const token of tokens) expect(await refresh(token)).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
      expect((await openSignIn({}, signedInBrowser)).page.text).toContain('Continue with Example Corp');
      // Records are as old as the second that they began in.
      await eventually(() => Math.floor(Date.now() / 1000) > clock.now() / 1000);
      clock.setWallClock(Date.now());
      const anew = await signInPerson();
      expect([(await refresh(anew)).status, await areDead([anew])]).toEqual([200, [false]]);
    });

    it('is answered the same for somebody who was never here', async () => {
      expect((await post(idp.logoutToken({ sub: 'nobody' }))).status).toBe(200);
      expect(servers.events).toEqual([]);
    });

    const nowSeconds = () => Math.floor(Date.now() / 1000);
    it.each<[id: string, token: () => string]>([
      ['no token', () => ''],
      ['no JWT', () => 'abc'],
      ['another issuer', () => idp.logoutToken({ sub: person.sub, iss: second.issuer })],
      ['another audience', () => idp.logoutToken({ sub: person.sub, aud: 'somebody' })],
      ['a nonce, as ID tokens have', () => idp.logoutToken({ sub: person.sub, nonce: 'n' })],
      ['no events', () => idp.logoutToken({ sub: person.sub, events: undefined })],
      ['another event', () => idp.logoutToken({ sub: person.sub, events: { other: {} } })],
      ['nobody', () => idp.logoutToken({})],
      ['no id', () => idp.logoutToken({ sub: person.sub, jti: undefined })],
      ['too old', () => idp.logoutToken({ sub: person.sub, iat: nowSeconds() - 3600, exp: undefined })],
      ['over', () => idp.logoutToken({ sub: person.sub, exp: nowSeconds() - 120 })],
      ['an access token', () => idp.logoutToken({ sub: person.sub }, { typ: 'at+jwt' })],
      ['another key', () => second.logoutToken({ sub: person.sub, iss: idp.issuer })],
      ['not signed', () => `${idp.logoutToken({ sub: person.sub }, { alg: 'none' }).split('.').slice(0, 2).join('.')}.`],
      ['signed with the public key', () => idp.logoutToken({ sub: person.sub }, { alg: 'HS256' })],
    ])('signs nobody out: %s', async (_id, token) => {
      const tokens = await signInPerson();
      expect(await post(token())).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
      expect(servers.events).toEqual([
        expect.objectContaining({ type: 'auth.rejected', reason: 'logout_refused', http_status: 400 }),
      ]);
      expect((await refresh(tokens)).status).toBe(200);
    });

    it('a token that is sent again: refused', async () => {
      await signInPerson();
      const token = idp.logoutToken({ sub: person.sub });
      expect([(await post(token)).status, (await post(token)).status]).toEqual([200, 400]);
    });

    it('a provider that is none: not found', async () => {
      expect((await post(idp.logoutToken({ sub: person.sub }), 'nobody')).status).toBe(404);
      expect((await client.fetch('/oauth/backchannel-logout/staff')).status).toBe(405);
    });
  });

  it('keeps what the provider gave out of events', async () => {
    await signIn();
    expect(JSON.stringify(servers.events)).not.toContain(idp.clientSecret);
  });
});
