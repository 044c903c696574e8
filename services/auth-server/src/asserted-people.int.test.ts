import { AssertionService, DEFAULT_TENANT } from '@switchyard/contracts';
import { LocalRpc } from '@switchyard/messaging';
import { generateSealingKey, openSealed, type SealingKey } from '@switchyard/oauth';
import { FakeClock } from '@switchyard/testing';
import { startCompanyIdp, type CompanyIdp } from './fixtures/company-idp.js';
import { claimsOf } from './fixtures/dead-tokens.js';
import { newIdJagPolicy } from './fixtures/issue-id-jags.js';
import { startServers, type RunningServers } from './fixtures/running-server.js';
import { STATE_PROFILES, type OpenStates } from './fixtures/states.contract.js';
import { departed, REDIRECT_URI, TestBrowser } from './fixtures/test-browser.js';
import { TestClient } from './fixtures/test-client.js';
import { PeopleRegister } from './people/people-register.js';

const PUBLIC_URL = 'http://localhost:8080';
const AUDIENCE = 'https://login.crm.example';
const RESOURCE = 'https://crm.example/mcp';
const HOUR_MS = 3_600_000;

const decode = (jwt: string, part: number) =>
  JSON.parse(Buffer.from(jwt.split('.')[part] ?? '', 'base64url').toString()) as Record<string, unknown>;

describe.each(STATE_PROFILES)('people asserted to upstreams by their company (ID-JAG): %s', (_id, open) => {
  let states: OpenStates;
  let idp: CompanyIdp;
  let servers: RunningServers;
  let client: TestClient;
  let browser: TestBrowser;
  let rpcs: LocalRpc[];
  let key: SealingKey;
  const accepting = { accepting: true };
  const clock = new FakeClock(Date.now());

  beforeAll(async () => {
    states = await open();
    key = await generateSealingKey();
    idp = await startCompanyIdp([`${PUBLIC_URL}/oauth/callback/company`]);
    rpcs = states.states.map(() => new LocalRpc());
    const sections = `identity: { mode: oidc, oidc: { title: Example Corp, issuer: "${idp.issuer}", clientId: switchyard, clientSecret: "\${env:IDP_SECRET}" } }`;
    servers = await startServers({
      ...{ states: states.states, rpcs, clock, dir: states.dir, sections, audit: accepting },
      env: { IDP_SECRET: idp.clientSecret },
    });
    client = new TestClient(servers.publicUrl, servers.urls);
    await client.register();
  });
  afterAll(async () => {
    await servers.close();
    await idp[Symbol.asyncDispose]();
    await states[Symbol.asyncDispose]();
  });

  /** Somebody new in each test, so that none is waiting for another's sign-in. */
  let subject: string;
  let people = 0;
  beforeEach(async () => {
    clock.setWallClock(Date.now());
    people += 1;
    const ana = { sub: `00u${people}`, claims: { name: 'Ana', email: `ana${people}@example.com`, email_verified: true } };
    Object.assign(idp, { who: ana, isDown: false, givesRefreshTokens: true, idTokenSeconds: 3600 });
    Object.assign(idp.idJags, { refusing: undefined, over: newIdJagPolicy().over });
    idp.idJags.apps.set(AUDIENCE, 'gateway-there');
    idp.employees.set(ana.sub, ana);
    accepting.accepting = true;
    browser = new TestBrowser(servers.publicUrl, servers.urls, [idp.issuer]);
    subject = (await signIn()).subject;
    servers.events.length = 0;
    idp.idJags.exchanges.length = 0;
  });

  /** Signs in with the browser, which may know the person still. @returns which pages were shown on the way */
  async function signIn() {
    const pages: string[] = [];
    const { url, verifier } = client.authorizationUrl();
    let page = await browser.open(url);
    if (!('location' in page) && page.text.includes('Continue with Example Corp')) {
      pages.push('company');
      page = await browser.submit(page, { provider: 'company' });
    }
    if (!('location' in page)) {
      pages.push('consent');
      page = await browser.submit(page, { do: 'approve' });
    }
    const code = departed(page).location.searchParams.get('code') ?? '';
    const { json } = await client.redeem({ code, verifier, redirectUri: REDIRECT_URI });
    return { subject: String(claimsOf(json['access_token'])['sub']), json, pages };
  }

  let turn = 0;
  async function ask(over: Record<string, string> = {}) {
    const rpc = rpcs[(turn += 1) % rpcs.length] ?? rpcs[0]!;
    const request = {
      ...{ tenant: DEFAULT_TENANT, principalIssuer: PUBLIC_URL, principalSubject: subject },
      ...{ audience: AUDIENCE, resource: RESOURCE, scope: 'read write', upstream: 'crm' },
      ...{ requestId: 'request-7', traceId: 'trace-7', clientId: 'agent-7' },
      ...{ recipientJwk: key.publicJwk, ...over },
    };
    const { result } = await rpc.call(AssertionService.method.obtainIdJag, request, { timeoutMs: 30_000 });
    if (result.case !== 'idJag') return { reason: result.value?.reason ?? '', message: result.value?.message ?? '' };
    const idJag = Buffer.from(await openSealed(key.privateKey, result.value.sealed)).toString();
    return { idJag, sealed: result.value.sealed };
  }
  const reasonOf = async (over: Record<string, string> = {}) => {
    const answer = await ask(over);
    return 'reason' in answer ? answer.reason : 'none';
  };
  const lastExchange = () => idp.idJags.exchanges.at(-1)?.asked;
  const tokenRequests = () => idp.asked.get('/token') ?? 0;

  it('IA-1 is had with the ID token of the sign-in, for the one audience and resource, and is given to nobody but the vault', async () => {
    const answer = await ask();
    if (!('idJag' in answer)) throw new Error(answer.message);
    expect(decode(answer.idJag, 0)).toMatchObject({ typ: 'oauth-id-jag+jwt', alg: 'ES256' });
    expect(decode(answer.idJag, 1)).toMatchObject({
      ...{ iss: idp.issuer, sub: `00u${people}`, aud: AUDIENCE, client_id: 'gateway-there' },
      ...{ resource: RESOURCE, scope: 'read write' },
    });
    expect(answer.sealed).not.toContain(answer.idJag.slice(0, 20));
    const { subject_token: subjectToken = '', ...asked } = lastExchange() ?? {};
    expect(asked).toEqual({
      ...{ audience: AUDIENCE, resource: RESOURCE, scope: 'read write' },
      requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    });
    expect(decode(subjectToken, 1)).toMatchObject({ aud: 'switchyard', sub: `00u${people}` });
    expect(servers.events).toEqual([
      {
        ...{ type: 'auth.identity_asserted', outcome: 'ok', request_id: 'request-7', trace_id: 'trace-7', client_id: 'agent-7' },
        upstream: 'crm',
        ...{ principal_issuer: PUBLIC_URL, principal_subject: subject, principal_kind: 'user' },
        principal_name: `ana${people}@example.com`,
        detail: { provider: 'company', audience: AUDIENCE, resource: RESOURCE },
      },
    ]);
    await ask({ scope: '' });
    expect(lastExchange()).not.toHaveProperty('scope');
  });

  it('IA-2 where the ID token has ended, the provider is asked for another one once, however many need it', async () => {
    clock.advance(HOUR_MS);
    idp.idTokenSeconds = 3 * 3600;
    const before = tokenRequests();
    const answers = await Promise.all(Array.from({ length: 6 }, () => ask()));
    expect(answers.map((answer) => 'idJag' in answer)).toEqual(answers.map(() => true));
    expect(tokenRequests() - before).toBe(7);
    expect(lastExchange()?.subject_token_type).toBe('urn:ietf:params:oauth:token-type:id_token');
  });

  it('IA-3 where a refresh gives none that is good, the refresh token is shown itself', async () => {
    clock.advance(HOUR_MS);
    expect('idJag' in (await ask())).toBe(true);
    expect(lastExchange()?.subject_token_type).toBe('urn:ietf:params:oauth:token-type:refresh_token');
  });

  const refusals: readonly [id: string, prepare: () => unknown, reason: string, words: RegExp, over?: Record<string, string>][] = [
    ['IA-4 the provider is away', () => (idp.isDown = true), 'provider_unavailable', /Example Corp, which does not answer/],
    ['IA-5 it does not let them', () => (idp.idJags.refusing = 'access_denied'), 'provider_refused', /\(access_denied\). Ask the people/],
    ['IA-6 it knows no such audience', () => idp.idJags.apps.clear(), 'provider_refused', /\(invalid_target\)/],
    ['IA-7 it does not let the gateway', () => (idp.idJags.refusing = 'unauthorized_client'), 'provider_misconfigured', /\(unauthorized_client\)/],
    ['IA-8 it knows no such grant', () => (idp.idJags.refusing = 'unsupported_grant_type'), 'provider_misconfigured', /ID-JAGs/],
    ['IA-9 it gives something else', () => (idp.idJags.over = { issued_token_type: 'urn:ietf:params:oauth:token-type:jwt' }), 'provider_misconfigured', /\(issued_token_type\)/],
    ['IA-10 it wants to see them', () => (idp.idJags.refusing = 'insufficient_user_authentication'), 'sign_in_again', /Sign in to this gateway again/],
    ['IA-11 it takes its own token no more', () => (idp.idJags.refusing = 'invalid_grant'), 'sign_in_again', /Sign in to this gateway again/],
    ['IA-12 a code that is none', () => (idp.idJags.refusing = 'constructor'), 'provider_misconfigured', /\(constructor\)/],
    ['IA-13 nobody', () => undefined, 'not_signed_in_there', /you did not sign in/, { principalSubject: 'usr_nobody' }],
    ['IA-14 somebody of another issuer', () => undefined, 'not_signed_in_there', /you did not sign in/, { principalIssuer: 'https://x.example' }],
    ['IA-15 somebody of another tenant', () => undefined, 'not_signed_in_there', /you did not sign in/, { tenant: 'other' }],
  ]; // prettier-ignore
  it.each(refusals)('%s: refused in a sentence, and recorded', async (_case, prepare, reason, words, over = {}) => {
    prepare();
    const answer = await ask(over);
    expect(answer).toEqual({ reason, message: expect.stringMatching(words) as string });
    expect(JSON.stringify(answer)).not.toContain('canary');
    expect(servers.events).toMatchObject([{ type: 'auth.identity_asserted', outcome: 'denied', reason, upstream: 'crm' }]);
  });

  it('IA-16 who is kept out is asserted to nobody', async () => {
    const register = await PeopleRegister.open(states.states[0]!, DEFAULT_TENANT, clock);
    await register.disable(subject);
    expect(await reasonOf()).toBe('person_disabled');
    expect(idp.idJags.exchanges).toEqual([]);
    await register.enable(subject);
    expect(await reasonOf()).toBe('none');
  });

  it('IA-17 nothing is asserted that could not be recorded', async () => {
    accepting.accepting = false;
    expect(await reasonOf()).toBe('audit_unavailable');
    expect(idp.idJags.exchanges).toEqual([]);
  });

  it('IA-18 what was given before somebody was signed out everywhere is used no more', async () => {
    // What the library issues is dated by the clock of the machine.
    clock.setWallClock(Date.now() - 10_000);
    browser = new TestBrowser(servers.publicUrl, servers.urls, [idp.issuer]);
    await signIn();
    clock.advance(1_000);
    const [url = ''] = servers.urls;
    const headers = { authorization: `Bearer ${servers.adminKeys[0]}` };
    const ended = await fetch(new URL(`/api/v1/people/${subject}/sign-out-everywhere`, url), { method: 'POST', headers });
    expect(ended.status).toBe(204);
    expect(await reasonOf()).toBe('sign_in_again');
    expect(idp.idJags.exchanges).toEqual([]);
    clock.advance(1_000);
    await signIn();
    expect(await reasonOf()).toBe('none');
  });

  it('IA-19 a sign-in that is too old for it is asked for anew, although the browser is still signed in here', async () => {
    idp.givesRefreshTokens = false;
    browser = new TestBrowser(servers.publicUrl, servers.urls, [idp.issuer]);
    idp.who = { sub: '00u-no-refresh', claims: { email: 'bea@example.com', email_verified: true } };
    idp.employees.set(idp.who.sub, idp.who);
    subject = (await signIn()).subject;
    expect((await signIn()).pages).not.toContain('company');
    clock.advance(HOUR_MS);
    idp.idTokenSeconds = 3 * 3600;
    expect(await reasonOf()).toBe('sign_in_again');
    expect((await signIn()).pages).toContain('company');
    expect(await reasonOf()).toBe('none');
    expect((await signIn()).pages).not.toContain('company');
  });

  it('IA-20 who has left is signed out here as well', async () => {
    idp.employees.delete(`00u${people}`);
    clock.advance(HOUR_MS);
    expect(await reasonOf()).toBe('sign_in_again');
    expect(servers.events).toMatchObject([
      { type: 'auth.signed_out', reason: 'provider_refused', principal_subject: subject, detail: { provider: 'company' } },
      { type: 'auth.identity_asserted', outcome: 'denied', reason: 'sign_in_again' },
    ]);
  });
});
