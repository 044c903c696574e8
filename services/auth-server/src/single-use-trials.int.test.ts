import { FakeClock } from '@switchyard/testing';
import { assertionKey, clientAssertion } from './fixtures/client-assertion.js';
import { browserThatConsented, pushedUrl, pushRequest } from './fixtures/pushed-request.js';
import { startServers, type RunningServers } from './fixtures/running-server.js';
import { STATE_PROFILES, type OpenStates } from './fixtures/states.contract.js';
import { departed, shown, type TestBrowser } from './fixtures/test-browser.js';
import { TestClient, type JsonAnswer } from './fixtures/test-client.js';
import { askAsDevice, pollAsDevice, registerDevice } from './fixtures/test-device.js';

/** `npm run single-use -- 1000` makes it a thousand. */
const TRIALS = Number(process.env['SINGLE_USE_TRIALS'] ?? 10);
const PARALLEL = 8;
/** As many as there are trials, at once for one and the same thing. */
const BURST = Math.min(TRIALS * 5, 1_000);
const MINUTES_MS = 30 * 60_000;

const WEB = 'https://app.example/callback';
const key = assertionKey();

const times = <T>(count: number, make: () => Promise<T>) => Promise.all(Array.from({ length: count }, make));

// Release-blocking: whatever is good once is good once on two replicas that are asked at the same moment.
describe(`one winner of ${PARALLEL} at once, ${TRIALS} times, and of ${BURST} at once: two replicas on NATS`, () => {
  let states: OpenStates;
  let servers: RunningServers;
  let web: TestClient;
  let device: TestClient;
  let browser: TestBrowser;

  beforeAll(async () => {
    const open = STATE_PROFILES.find(([id]) => id.includes('NATS'))?.[1];
    if (open === undefined) throw new Error('no profile with two replicas');
    states = await open();
    const sections = `
identity: { services: { nightly: { publicKey: "\${env:KEY}", servers: [work] } } }
upstreams: { up: { url: "http://127.0.0.1:9/mcp" } }
servers: { work: { sources: [{ upstream: up }], access: [{ everyone: true }] } }
`;
    servers = await startServers({
      states: states.states,
      clock: new FakeClock(Date.now()),
      dir: states.dir,
      sections,
      env: { KEY: key.publicKey },
    });
    expect(new Set(servers.urls).size).toBe(2);
    web = new TestClient(servers.publicUrl, servers.urls);
    await web.register({ redirect_uris: [WEB] });
    device = new TestClient(servers.publicUrl, servers.urls);
    await registerDevice(device);
    browser = await browserThatConsented(web, WEB);
  });
  afterAll(async () => {
    await servers.close();
    await states[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    servers.events.length = 0;
  });

  const nextCode = async () => {
    const { url, verifier } = web.authorizationUrl({ redirect_uri: WEB });
    const { location } = departed(await browser.open(url));
    return { code: location.searchParams.get('code') ?? '', verifier, redirectUri: WEB };
  };
  const nextDevice = async () => {
    const request = await askAsDevice(device);
    const confirm = shown(await browser.submit(shown(await browser.open('/oauth/device')), { user_code: request.userCode }));
    const consent = shown(await browser.submit(confirm, { confirm: 'yes' }));
    expect(shown(await browser.submit(consent, { do: 'approve' })).text).toContain('Device connected');
    return request;
  };
  const nextAssertion = () => Promise.resolve(clientAssertion(key, 'nightly', servers.publicUrl));
  const byAssertion = (assertion: Record<string, string>) => {
    const resource = `${servers.publicUrl}/mcp/work`;
    const body = new URLSearchParams({ grant_type: 'client_credentials', resource, ...assertion });
    return web.fetch('/oauth/token', { method: 'POST', body });
  };
  const nextPushed = async () => (await pushRequest(web, { redirect_uri: WEB })).requestUri;
  /** A browser that comes back with a code has won. */
  const byRequestUri = async (requestUri: string): Promise<Pick<JsonAnswer, 'status' | 'json'>> => {
    const answer = await browser.open(pushedUrl(web, requestUri));
    const parameters = 'location' in answer ? answer.location.searchParams : undefined;
    if (parameters?.has('code') === true) return { status: 200, json: {} };
    return { status: 400, json: { error: parameters?.get('error') ?? 'invalid_request_uri' } };
  };

  interface Kind<T> {
    readonly id: string;
    /** Makes what is good once. */
    readonly next: () => Promise<T>;
    readonly present: (it: T) => Promise<Pick<JsonAnswer, 'status' | 'json'>>;
    readonly error: string;
  }
  const kind = <T>(id: string, next: Kind<T>['next'], present: Kind<T>['present'], error: string) => ({
    id,
    next,
    present,
    error,
  });
  const kinds = [
    kind('A1 authorization code', nextCode, (code) => web.redeem(code), 'invalid_grant'),
    kind('A16 device code', nextDevice, (request) => pollAsDevice(device, request), 'invalid_grant'),
    kind('A14, A17 jti of an assertion', nextAssertion, byAssertion, 'invalid_client'),
    kind('pushed authorization request', nextPushed, byRequestUri, 'invalid_request_uri'),
  ] as unknown as readonly Kind<unknown>[];

  it.each(kinds)(
    '$id',
    async ({ next, present, error }) => {
      for (const count of [...Array<number>(TRIALS).fill(PARALLEL), BURST]) {
        const it = await next();
        const answers = await times(count, () => present(it));
        const refused = answers.filter(({ status }) => status !== 200);
        expect([answers.length - refused.length, new Set(refused.map(({ json }) => json['error']))]).toEqual([
          1,
          new Set([error]),
        ]);
        servers.events.length = 0;
      }
    },
    MINUTES_MS,
  );

  it(
    'A2 refresh token: one child, the same for all who get one',
    async () => {
      let token = String((await web.redeem(await nextCode())).json['refresh_token']);
      for (const count of [...Array<number>(TRIALS).fill(PARALLEL), BURST]) {
        servers.events.length = 0;
        const presented = token;
        const answers = await times(count, () => web.refresh(presented));
        const bodies = new Set(answers.filter(({ status }) => status === 200).map(({ text }) => text));
        expect(bodies.size).toBe(1);
        // Whoever has waited in vain for the answer of the first is refused, and the family lives on.
        const refused = answers.filter(({ status }) => status !== 200);
        expect(refused.every(({ json }) => json['error'] === 'invalid_grant')).toBe(true);
        const issued = servers.events.filter(
          ({ type, detail }) => type === 'auth.token_issued' && detail?.['replayed'] !== 'true',
        );
        expect([issued.length, servers.events.some(({ type }) => type === 'auth.grant_revoked')]).toEqual([1, false]);
        token = String((JSON.parse([...bodies][0] ?? '{}') as Record<string, unknown>)['refresh_token']);
        expect(token).not.toBe(presented);
      }
    },
    MINUTES_MS,
  );
});
