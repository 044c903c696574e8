import { ANA, BEN } from '../front.fixture.js';
import { startOAuthUpstream } from '../oauth-upstream.fixture.js';
import { answerAt, sentTo, shown, startPersonal, UPSTREAM, type PersonalRig } from '../personal.fixture.js';

describe('the connect pages', () => {
  let p: PersonalRig;
  beforeEach(async () => void (p = await startPersonal()));
  afterEach(() => p[Symbol.asyncDispose]());

  /** Agrees, and comes as far as the upstream's answer. */
  const agreed = async (browser = p.browser()) => {
    const page = shown(await browser.open(`/connect/${UPSTREAM}`));
    const away = sentTo(await browser.submit(page, { do: 'connect' }));
    return { browser, back: await answerAt(away) };
  };
  const refusals = async (count: number) =>
    (await p.rig.events('connection.changed', count)).flatMap(({ outcome, reason }) => (outcome === 'denied' ? [reason] : []));
  const nothingConnected = async () => {
    expect(await p.lease(ANA)).toMatchObject({ reason: 'connection_required' });
    expect(p.upstream.lastToken.size).toBe(0);
  };

  it('says whose account is connected with what, and keeps everything of it out of addresses', async () => {
    const browser = p.browser();
    const page = shown(await browser.open(`/connect/${UPSTREAM}`));
    const host = new URL(p.upstream.url).host;
    for (const text of ['Connect tracker', host, ANA.email, '<code>read</code>', `Continue to ${host}`])
      expect(page.text).toContain(text);
    expect(page.url).toBe(`${p.front.publicUrl}/connect/${UPSTREAM}`);
    const { back } = await agreed(browser);
    const done = shown(await browser.open(back));
    expect(done.url).toBe(`${p.front.publicUrl}/connect/${UPSTREAM}?connected=default`);
  });

  it('A7 an answer in a browser whose user did not agree connects nothing', async () => {
    const { back } = await agreed();
    expect(shown(await p.browser().open(back)).status).toBe(400);
    const { back: another } = await agreed();
    // Signed in as the same person, but without the consent of this browser.
    const second = p.browser();
    shown(await second.open('/connect'));
    expect(shown(await second.open(another)).status).toBe(400);
    await nothingConnected();
    expect(await refusals(3)).toEqual(['answer_mismatch', 'answer_mismatch']);
  });

  it('A7 an answer for one person connects nothing once another is signed in', async () => {
    const { browser, back } = await agreed();
    p.front.who = BEN;
    shown(await browser.open(`/connect/sign-in?upstream=${UPSTREAM}`));
    expect(shown(await browser.open(back)).status).toBe(400);
    await nothingConnected();
  });

  it('A7 an answer counts once', async () => {
    const { browser, back } = await agreed();
    expect(shown(await browser.open(back)).status).toBe(200);
    expect(shown(await browser.open(back)).status).toBe(400);
    expect(shown(await browser.open('/connect/callback?state=made-up&code=x')).status).toBe(400);
  });

  const answers: readonly [id: string, answer: Record<string, string | undefined>, status: number][] = [
    ['A9 another issuer', { iss: 'https://other.example' }, 400],
    ['A9 no issuer although it is promised', { iss: undefined }, 400],
    ['A9 an error of another issuer', { iss: 'https://other.example', error: 'access_denied', error_description: 'EVIL' }, 400],
    ['A9 refused by its owner', { code: undefined, error: 'access_denied', error_description: 'EVIL' }, 502],
  ];
  it.each(answers)('%s: refused before any code is sent, and no word of it is shown', async (_id, answer, status) => {
    p.upstream.answer = answer;
    const { browser, back } = await agreed();
    const page = shown(await browser.open(back));
    expect(page.status).toBe(status);
    expect(page.text).not.toContain('EVIL');
    await nothingConnected();
  });

  const metadata: readonly [id: string, over: Record<string, unknown>, reason: string][] = [
    ['A9 metadata of another issuer', { issuer: 'https://other.example' }, 'issuer_mismatch'],
    ['PKCE is not offered', { code_challenge_methods_supported: undefined }, 'pkce_unsupported'],
    ['PKCE without S256', { code_challenge_methods_supported: ['plain'] }, 'pkce_unsupported'],
    ['an endpoint that is no https URL', { authorization_endpoint: 'javascript:alert(1)' }, 'url_refused'],
    ['an endpoint in clear elsewhere', { token_endpoint: 'http://as.example/token' }, 'url_refused'],
    ['nobody registers', { registration_endpoint: undefined }, 'registration_impossible'],
  ];
  it.each(metadata)('%s: nobody is sent there', async (_id, over, reason) => {
    p.upstream.metadata = over;
    const browser = p.browser();
    let page = shown(await browser.open(`/connect/${UPSTREAM}`));
    if (page.status === 200) page = shown(await browser.submit(page, { do: 'connect' }));
    expect(page.status).toBe(502);
    expect(page.text).toContain(reason);
    expect(await refusals(2)).toEqual([reason]);
    await nothingConnected();
  });

  it('A9 two authorization servers for one upstream: an answer of the other one is refused before any code is sent', async () => {
    await using other = await startOAuthUpstream();
    p.upstream.resource = { authorization_servers: [p.upstream.issuer, other.issuer] };
    p.upstream.answer = { iss: other.issuer };
    const { browser, back } = await agreed();
    expect(shown(await browser.open(back)).status).toBe(400);
    expect([p.upstream.lastToken.size, other.lastToken.size]).toEqual([0, 0]);
    await nothingConnected();
  });

  it('A9 two authorization servers, of which the gateway is registered with the second: nobody is sent to the first', async () => {
    await using other = await startOAuthUpstream();
    p.upstream.resource = { authorization_servers: [other.issuer, p.upstream.issuer] };
    await p.rig.apply([
      { upstream: UPSTREAM, kind: 'oauth', settings: { url: p.upstream.url, client_id: 'gateway', issuer: p.upstream.issuer } },
    ]);
    await p.connect(p.browser());
    expect(await p.lease()).toHaveProperty('token');
    expect([p.upstream.lastAuthorization.get('client_id'), other.lastAuthorization.size, other.registrations]).toEqual([
      'gateway',
      0,
      0,
    ]);
  });

  it('A8 takes no form but its own, and lets nobody frame it', async () => {
    const browser = p.browser();
    const page = shown(await browser.open(`/connect/${UPSTREAM}`));
    const csrf = /name="csrf" value="([^"]*)"/.exec(page.text)?.[1] ?? '';
    const post = async (fields: Record<string, string>, headers: Record<string, string>) =>
      shown(await browser.open(`/connect/${UPSTREAM}`, { method: 'POST', body: new URLSearchParams(fields), headers })).status;
    const good = { csrf, label: 'default', do: 'connect' };
    expect(await post({ ...good, csrf: 'x' }, { origin: p.front.publicUrl })).toBe(403);
    expect(await post(good, { origin: 'https://evil.example' })).toBe(403);
    expect(await post(good, { 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await post({ ...good, label: '<script>' }, { origin: p.front.publicUrl })).toBe(400);
    const { headers } = await fetch(`${p.front.publicUrl}/connect/${UPSTREAM}`, { redirect: 'manual' });
    expect([headers.get('x-frame-options'), headers.get('cache-control')]).toEqual(['DENY', 'no-store']);
    const answer = await fetch(`${p.front.publicUrl}/connect/callback?state=x`, { redirect: 'manual' });
    expect(answer.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    await nothingConnected();
  });
});
