import { FakeClock } from '@switchyard/testing';
import { generateKeyPairSync } from 'node:crypto';
import { startCompanyIdp, type CompanyIdp } from './fixtures/company-idp.js';
import { startServers, type RunningServers } from './fixtures/running-server.js';
import { STATE_PROFILES, type OpenStates } from './fixtures/states.contract.js';
import { departed, REDIRECT_URI, shown, TestBrowser } from './fixtures/test-browser.js';
import { TestClient } from './fixtures/test-client.js';

const PUBLIC_URL = 'http://localhost:8080';
const SESSIONS = 6;

// The gateway shows that it is itself with a key (private_key_jwt), and turns to its replicas one after the other.
describe.each(STATE_PROFILES)('sign-in at the company: %s', (_id, open) => {
  let states: OpenStates;
  let idp: CompanyIdp;
  let servers: RunningServers;
  let client: TestClient;
  const clock = new FakeClock(Date.now());

  beforeAll(async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    states = await open();
    idp = await startCompanyIdp([`${PUBLIC_URL}/oauth/callback/company`], {
      jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256' }] },
    });
    const sections = `identity: { mode: oidc, oidc: { issuer: "${idp.issuer}", clientId: switchyard, privateKey: "\${env:IDP_KEY}", privateKeyId: k1 } }`;
    const env = { IDP_KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
    servers = await startServers({ states: states.states, clock, dir: states.dir, sections, env });
    client = new TestClient(servers.publicUrl, servers.urls);
    await client.register();
    idp.who = { sub: '00u1', claims: { email: 'ana@example.com', email_verified: true } };
    idp.employees.set('00u1', idp.who);
  });
  afterAll(async () => {
    await servers.close();
    await idp[Symbol.asyncDispose]();
    await states[Symbol.asyncDispose]();
  });

  const signIn = async () => {
    const browser = new TestBrowser(servers.publicUrl, servers.urls, [idp.issuer]);
    const { url, verifier } = client.authorizationUrl();
    const consent = shown(await browser.submit(shown(await browser.open(url)), { provider: 'company' }));
    const { location } = departed(await browser.submit(consent, { do: 'approve' }));
    const code = location.searchParams.get('code') ?? '';
    return String((await client.redeem({ code, verifier, redirectUri: REDIRECT_URI })).json['refresh_token']);
  };

  it(`A19: ${SESSIONS} refreshes at once ask the provider once, whose rotated refresh token is never used twice`, async () => {
    let tokens: string[] = [];
    for (let i = 0; i < SESSIONS; i += 1) tokens.push(await signIn());
    for (let round = 0; round < 5; round += 1) {
      clock.advance(300_000);
      const before = idp.asked.get('/token') ?? 0;
      const answers = await Promise.all(tokens.map((token) => client.refresh(token)));
      expect(answers.map(({ status }) => status)).toEqual(tokens.map(() => 200));
      expect((idp.asked.get('/token') ?? 0) - before).toBe(1);
      tokens = answers.map(({ json }) => String(json['refresh_token']));
    }
  });

  it('A7: of many browsers that bring one answer at once, one is let in', async () => {
    const browser = new TestBrowser(servers.publicUrl, servers.urls, [idp.issuer]);
    let callback = new URL('https://elsewhere.example/');
    browser.onNavigation = (target) => {
      if (!target.pathname.startsWith('/oauth/callback/')) return undefined;
      callback = target;
      return new URL('https://elsewhere.example/');
    };
    departed(await browser.submit(shown(await browser.open(client.authorizationUrl().url)), { provider: 'company' }));
    browser.onNavigation = () => undefined;
    const pages = await Promise.all(Array.from({ length: 8 }, () => browser.open(callback)));
    expect(pages.map((page) => shown(page).status).filter((status) => status === 200).length).toBeLessThanOrEqual(1);
    expect(pages.filter((page) => shown(page).text.includes('has been used already'))).toHaveLength(7);
  });
});
