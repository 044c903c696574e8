import { AccessTokenVerifier } from '@switchyard/oauth';
import { FakeClock } from '@switchyard/testing';
import { startServers, type RunningServers } from './fixtures/running-server.js';
import { STATE_PROFILES, type OpenStates } from './fixtures/states.contract.js';
import { shown, TestBrowser, type ShownPage } from './fixtures/test-browser.js';
import { TestClient } from './fixtures/test-client.js';
import { askAsDevice, DEVICE_GRANT, pollAsDevice, registerDevice, type DeviceRequest } from './fixtures/test-device.js';

const PARALLEL = 8;

describe.each(STATE_PROFILES)('agents without a browser (RFC 8628): %s', (_id, open) => {
  let states: OpenStates;
  let servers: RunningServers;
  let client: TestClient;
  const clock = new FakeClock(Date.now());

  beforeAll(async () => {
    states = await open();
    servers = await startServers({ states: states.states, clock, dir: states.dir });
    client = new TestClient(servers.publicUrl, servers.urls);
    expect((await registerDevice(client)).status).toBe(201);
  });
  afterAll(async () => {
    await servers.close();
    await states[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    servers.events.length = 0;
  });

  /** A browser at an address of its own: wrong codes are counted by address. */
  let hosts = 0;
  const browserAt = (address = `203.0.113.${(hosts += 1)}`) => {
    const browser = new TestBrowser(servers.publicUrl, servers.urls);
    const headers = { 'x-forwarded-for': address };
    return {
      open: async (path: string) => shown(await browser.open(path, { headers })),
      submit: async (page: ShownPage, fields: Record<string, string>) => shown(await browser.submit(page, fields, headers)),
    };
  };
  type Browser = ReturnType<typeof browserAt>;
  const type = async (browser: Browser, userCode: string) =>
    browser.submit(await browser.open('/oauth/device'), { user_code: userCode });
  const confirm = (browser: Browser, page: ShownPage) => browser.submit(page, { confirm: 'yes' });
  const approve = async (browser: Browser, { userCode }: DeviceRequest, email = 'ana@example.com') => {
    const signIn = await confirm(browser, await type(browser, userCode));
    const consent = await browser.submit(signIn, { email, do: 'sign-in' });
    return browser.submit(consent, { do: 'approve' });
  };
  const rejections = () => servers.events.filter(({ type: kind }) => kind === 'auth.rejected').map(({ reason }) => reason);

  it('DV-1: shows a code, which somebody types, and gets tokens for one server', async () => {
    const request = await askAsDevice(client);
    expect(request.answer).toMatchObject({
      status: 200,
      json: {
        user_code: expect.stringMatching(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/) as string,
        verification_uri: `${servers.publicUrl}/oauth/device`,
        verification_uri_complete: `${servers.publicUrl}/oauth/device?user_code=${request.userCode}`,
        expires_in: 600,
      },
    });
    expect(await pollAsDevice(client, request)).toMatchObject({ status: 400, json: { error: 'authorization_pending' } });
    expect(servers.events).toEqual([]);

    const browser = browserAt();
    const page = await type(browser, request.userCode.toLowerCase().replace('-', ' '));
    const signIn = await confirm(browser, page);
    expect(signIn.text).toContain('Headless agent');
    const consent = await browser.submit(signIn, { email: 'ana@example.com', do: 'sign-in' });
    for (const words of [
      'use what you may use there',
      'the device that showed you a code',
      'nobody sent it to you',
      'ana@example.com',
    ])
      expect(consent.text).toContain(words);
    const end = await browser.submit(consent, { do: 'approve' });
    expect([end.status, end.text.includes('Device connected')]).toEqual([200, true]);

    const answer = await pollAsDevice(client, request);
    expect(answer).toMatchObject({ status: 200, json: { scope: 'mcp', expires_in: 300 } });
    const verifier = new AccessTokenVerifier({
      issuer: servers.publicUrl,
      jwksUrl: `${servers.urls[0]}/oauth/jwks`,
      fetch,
      clock,
    });
    expect(await verifier.verify(String(answer.json['access_token']), `${servers.publicUrl}/mcp/work`)).toMatchObject({
      ok: true,
      principal: { name: 'ana@example.com', kind: 'user' },
    });
    expect((await client.refresh(String(answer.json['refresh_token']))).status).toBe(200);
    expect(servers.events.map(({ type: kind, detail }) => [kind, detail?.['grant_type']])).toEqual([
      ['auth.signed_in', undefined],
      ['auth.token_issued', DEVICE_GRANT],
      ['auth.token_issued', 'refresh_token'],
    ]);
  });

  it('A16: before anybody signs in, the page says who asked, from where, and warns of codes that others send', async () => {
    const { userCode } = await askAsDevice(client);
    const { text } = await type(browserAt(), userCode);
    for (const fact of ['Headless agent', userCode, 'work', 'agent/1.0', '127.0.0.1', 'Did somebody send you this code?'])
      expect(text).toContain(fact);
  });

  it('A16: a link that brings a code fills it in, and no more', async () => {
    const { userCode } = await askAsDevice(client);
    const page = await browserAt().open(`/oauth/device?user_code=${userCode}`);
    expect(page.text).toContain(`value="${userCode}"`);
    expect(page.text).toContain('Did somebody send you this code?');
    expect(page.text).not.toContain('Headless agent');
    expect(page.text).not.toContain('<script');
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    const attack = await browserAt().open(`/oauth/device?user_code=${encodeURIComponent('"><script>alert(1)</script>')}`);
    expect(attack.text).not.toContain('<script');
  });

  it('A16: five wrong codes of one address, and none is looked at; others go on', async () => {
    const request = await askAsDevice(client);
    const guesser = browserAt('198.51.100.1');
    for (let i = 0; i < 5; i += 1) {
      // A right code of one's own in between takes nothing back.
      if (i === 3) expect((await type(guesser, (await askAsDevice(client)).userCode)).text).toContain('Headless agent');
      const page = await type(guesser, `BBBB-BBB${'BCDFG'.charAt(i)}`);
      expect([page.status, page.text.includes('No device waits with this code')]).toEqual([400, true]);
    }
    for (const anew of [guesser, browserAt('198.51.100.1')]) {
      const locked = await type(anew, request.userCode);
      expect([locked.status, locked.headers.get('retry-after')]).toEqual([429, '600']);
      expect(locked.text).toContain('Too many wrong codes');
    }
    expect(rejections()).toEqual([...Array<string>(5).fill('user_code_unknown'), 'too_many_guesses', 'too_many_guesses']);
    expect((await type(browserAt(), request.userCode)).text).toContain('Headless agent');
  });

  it('A16: wrong codes of many at once are five too', async () => {
    const browsers = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const browser = browserAt('198.51.100.2');
        return { browser, page: await browser.open('/oauth/device') };
      }),
    );
    const pages = await Promise.all(browsers.map(({ browser, page }) => browser.submit(page, { user_code: 'CCCC-CCCC' })));
    expect(pages.filter(({ status }) => status === 400).length).toBeLessThanOrEqual(5);
    expect(pages.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(7);
  });

  it('A16: who is signed in has tries of their own, and no more at another address', async () => {
    const browser = browserAt('198.51.100.3');
    await approve(browser, await askAsDevice(client), 'guesser@example.com');
    for (let i = 0; i < 5; i += 1) expect((await type(browser, 'DDDD-DDDD')).status).toBe(400);
    expect((await type(browser, 'DDDD-DDDD')).status).toBe(429);
    expect((await type(browserAt('198.51.100.3'), 'DDDD-DDDD')).status).toBe(400);
  });

  it('A16: a device that asks too fast is told to slow down, and has to wait longer each time', async () => {
    const request = await askAsDevice(client);
    const ask = async (afterMs: number) => {
      clock.advance(afterMs);
      return (await pollAsDevice(client, request)).json['error'];
    };
    expect(await ask(0)).toBe('authorization_pending');
    expect(await ask(4_999)).toBe('slow_down');
    expect(await ask(5_000)).toBe('slow_down');
    expect(await ask(14_999)).toBe('slow_down');
    expect(await ask(20_000)).toBe('authorization_pending');
    expect(rejections()).toEqual(['slow_down', 'slow_down', 'slow_down']);
  });

  it(`A16: of ${PARALLEL} who bring an approved code at once, one gets tokens, 5 times`, async () => {
    for (let round = 0; round < 5; round += 1) {
      const request = await askAsDevice(client);
      await approve(browserAt(), request);
      const answers = await Promise.all(Array.from({ length: PARALLEL }, () => pollAsDevice(client, request)));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(PARALLEL - 1).fill(400)]);
      expect(new Set(answers.filter(({ status }) => status === 400).map(({ json }) => json['error']))).toEqual(
        new Set(['invalid_grant']),
      );
      expect(await pollAsDevice(client, request)).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    }
  });

  it('A16: of two browsers that have the code, one answers it', async () => {
    const request = await askAsDevice(client);
    const [mine, thief] = [browserAt(), browserAt()];
    const pages = await Promise.all([mine, thief].map((browser) => type(browser, request.userCode)));
    const [first, second] = pages as [ShownPage, ShownPage];
    const signIn = await confirm(mine, first);
    expect((await confirm(thief, second)).text).not.toContain('Sign in');
    const consent = await mine.submit(signIn, { email: 'ana@example.com', do: 'sign-in' });
    await mine.submit(consent, { do: 'approve' });
    expect((await type(thief, request.userCode)).status).toBe(400);
    expect((await pollAsDevice(client, request)).status).toBe(200);
  });

  it.each<[id: string, deny: (browser: Browser, page: ShownPage) => Promise<ShownPage>]>([
    ['where the code is shown', (browser, page) => browser.submit(page, { abort: 'yes' })],
    [
      'where consent is asked for',
      async (browser, page) => {
        const signIn = await confirm(browser, page);
        return browser.submit(await browser.submit(signIn, { email: 'ana@example.com', do: 'sign-in' }), { do: 'deny' });
      },
    ],
  ])('DV-2: a no is a no to the device: %s', async (_where, deny) => {
    const request = await askAsDevice(client);
    const browser = browserAt();
    const page = await deny(browser, await type(browser, request.userCode));
    expect(page.text).toContain('Device not connected');
    expect(await pollAsDevice(client, request)).toMatchObject({ status: 400, json: { error: 'access_denied' } });
    expect((await type(browserAt(), request.userCode)).status).toBe(400);
  });

  it('DV-3: a form of somebody else’s is not taken', async () => {
    const request = await askAsDevice(client);
    const body = new URLSearchParams({ user_code: request.userCode, confirm: 'yes', xsrf: 'x' });
    const browser = new TestBrowser(servers.publicUrl, servers.urls);
    const post = async () => shown(await browser.open('/oauth/device', { method: 'POST', body })).status;
    expect(await post()).toBe(400);
    await browser.open('/oauth/device');
    expect(await post()).toBe(400);
    expect(rejections()).toEqual(['invalid_request', 'invalid_request']);
    expect((await pollAsDevice(client, request)).json['error']).toBe('authorization_pending');
  });

  it.each<[id: string, over: Record<string, string>, status: number, error: string]>([
    ['DV-4 an unknown client', { client_id: 'nobody' }, 401, 'invalid_client'],
    ['DV-5 a server that is not there (A11)', { resource: 'https://elsewhere.example/mcp' }, 400, 'invalid_target'],
  ])('%s', async (_what, over, status, error) => {
    expect((await askAsDevice(client, over)).answer).toMatchObject({ status, json: { error } });
    expect(rejections()).toEqual([error]);
  });

  it('DV-6: clients that did not register for it are refused, and those that did for it alone cannot use browsers', async () => {
    const other = new TestClient(servers.publicUrl, servers.urls);
    await other.register();
    expect((await askAsDevice(other)).answer).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
    const page = shown(await new TestBrowser(servers.publicUrl, servers.urls).open(client.authorizationUrl().url));
    expect(page.status).toBe(400);
  });

  it('DV-7: another client cannot bring the code', async () => {
    const request = await askAsDevice(client);
    await approve(browserAt(), request);
    const thief = new TestClient(servers.publicUrl, servers.urls);
    await registerDevice(thief, 'Thief');
    expect(await pollAsDevice(thief, request)).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    expect((await pollAsDevice(client, request)).status).toBe(200);
  });
});

describe('agents without a browser, where that is switched off', () => {
  it('DV-8: there is no such endpoint, and no client can register for it', async () => {
    const [, open] = STATE_PROFILES[0] ?? [];
    if (open === undefined) throw new Error('no profile');
    await using states = await open();
    const sections = 'identity: { mode: dev, deviceAuthorization: false }';
    const servers = await startServers({ states: states.states, clock: new FakeClock(Date.now()), dir: states.dir, sections });
    const client = new TestClient(servers.publicUrl, servers.urls);
    expect((await registerDevice(client)).status).toBe(400);
    await client.register();
    expect((await askAsDevice(client)).answer.status).toBe(404);
    expect((await client.fetch('/oauth/device')).status).toBe(404);
    const metadata = await client.fetch('/.well-known/oauth-authorization-server');
    expect(metadata.text).not.toContain('device');
    await servers.close();
  });
});
