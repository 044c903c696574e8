import { eventually } from '@switchyard/testing';
import type { Browser } from 'playwright-core';
import { startCompanyIdp, type CompanyIdp } from '../../services/auth-server/src/fixtures/company-idp.js';
import type { AccountClient, AppKind } from './clients/account-clients.js';
import { launchChromium } from './clients/chromium.js';
import { openPerson, type Person } from './clients/person.js';
import { filesOf, placesOf, placesWith, rowsOf, saidBy, type Place as SeenPlace } from './places.js';
import { startTracker, type Tracker } from './targets/tracker-upstream.js';
import type { LocalTarget, OwnGatewayFile, Target } from './targets/target.js';

const COMPANY = 'Example Corp';
const PEOPLE = ['ana', 'bea'] as const;
type Name = (typeof PEOPLE)[number];

const CONNECT_URL = /https?:\/\/\S+\/connect\/\w+/;
const CONNECTED = { connectHeading: 'Connect tracker', connectedHeading: 'tracker is connected' };
/** A token of the gateway's. */
const JWT = /\bey[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\./;

/** Starts a gateway that serves this file. */
type Start = (own: OwnGatewayFile) => Promise<Target | LocalTarget>;

interface Place {
  readonly target: Target | LocalTarget;
  readonly idp: CompanyIdp;
  readonly upstream: Tracker;
  readonly people: Readonly<Record<Name, Person>>;
}

async function startPlace(undo: AsyncDisposableStack, start: Start): Promise<Place> {
  const upstream = undo.use(await startTracker());
  let idp: CompanyIdp | undefined;
  const text: OwnGatewayFile['text'] = async ({ publicUrl, host, port }) => {
    idp = undo.use(await startCompanyIdp([`${publicUrl}/oauth/callback/company`]));
    return `gateway: { publicUrl: "${publicUrl}", host: "${host}", port: ${port} }
identity:
  mode: oidc
  oidc: { title: ${COMPANY}, issuer: "${idp.issuer}", clientId: switchyard, clientSecret: "\${env:IDP_SECRET}" }
upstreams:
  tracker: { url: "${upstream.url}", credential: { type: oauth } }
servers:
  work: { title: Work, sources: [{ upstream: tracker }], access: [{ everyone: true }] }
`;
  };
  const loopbackPorts = () => [upstream.url, `http://${upstream.at}`, idp!.issuer].map((url) => Number(new URL(url).port));
  const target = undo.use(await start({ text, loopbackPorts, env: { IDP_SECRET: 'company-secret-that-nobody-may-see' } }));
  if (idp === undefined) throw new Error('the gateway was started without its file');
  const browser: Browser = await launchChromium();
  undo.defer(() => browser.close());
  const open = (name: Name) => openPerson(browser, name, target.publicUrl, COMPANY);
  const [ana, bea] = [await open('ana'), await open('bea')];
  return { target, idp, upstream, people: { ana, bea } };
}

/** All that a target shows while it runs, and all that it leaves where this machine can look. */
async function placesUntilEnd(target: Target | LocalTarget): Promise<SeenPlace[]> {
  const live = await ('storage' in target ? placesOf(target) : saidBy(target));
  expect(new Set(await target.stop())).toEqual(new Set([0]));
  return 'storage' in target ? [...live, ...(await filesOf(target)), ...(await rowsOf(target))] : live;
}

/**
 * People use their own accounts at an upstream, with the apps that they have.
 * @param name of the target
 * @param apps each goes the whole way
 */
export function describeOwnAccounts(name: string, start: Start, apps: readonly AppKind[]): void {
  describe(`people use their own accounts at an upstream, with the apps that they have: ${name}`, () => {
    ownAccounts(start, apps);
  });
}

function ownAccounts(start: Start, apps: readonly AppKind[]): void {
  const undo = new AsyncDisposableStack();
  let place: Place;
  const clients = new Map<Name, AccountClient>();
  /** Every token that an app got of the gateway. */
  const ours: string[] = [];

  beforeAll(async () => {
    place = await startPlace(undo, start);
  }, 300_000);
  afterAll(() => undo.disposeAsync(), 60_000);

  const sitsAtTheKeyboard = (name: Name) => {
    place.idp.who = { sub: name, claims: { email: `${name}@example.com`, email_verified: true } };
    place.idp.employees.set(name, place.idp.who);
    return place.people[name];
  };

  const clientOf = (name: Name) => {
    const client = clients.get(name);
    if (client === undefined) throw new Error(`${name} did not get in`);
    return client;
  };

  /** What becomes of a page that an app shows its user. */
  let onVisit: (url: URL) => void = () => undefined;

  /** Calls until the gateway asks for something, or the call has succeeded. */
  function call(app: AppKind, name: Name): { readonly asked: Promise<URL | undefined>; text(): Promise<string> } {
    const client = clientOf(name);
    const shown = new Promise<URL>((resolve) => (onVisit = resolve));
    const first = client.whoami();
    const told = first.then((text) => {
      const [url] = CONNECT_URL.exec(text) ?? [];
      return url === undefined ? undefined : new URL(url);
    });
    // Of an app that asks its user the call goes on by itself; others make it again, as the model is told.
    if (app.asksItsUser) return { asked: Promise.race([shown, told]), text: () => first };
    return { asked: told, text: async () => ((await told) === undefined ? first : client.whoami()) };
  }

  describe.each(apps.map((app) => [app.id, app] as const))('%s', (_id, app) => {
    afterAll(async () => {
      await Promise.all([...clients.values()].map((client) => client[Symbol.asyncDispose]()));
      clients.clear();
    });

    it.each(PEOPLE)(
      'CA-1 %s signs in over the company, is asked to connect, and the call goes on',
      async (name) => {
        const person = sitsAtTheKeyboard(name);
        const url = `${place.target.publicUrl}/mcp/work`;
        clients.set(name, await app.open({ url, person, visit: (page) => onVisit(page) }));
        const calling = call(app, name);
        const asked = await calling.asked;
        expect(asked?.href).toBe(`${place.target.publicUrl}/connect/tracker`);
        expect(await person.connect(asked!, `${name}@tracker`)).toEqual(CONNECTED);
        expect(await calling.text()).toBe(`You are ${name}@tracker`);
        expect(place.people[name].complaints).toEqual([]);
      },
      90_000,
    );

    const eachIsHerself = async () => {
      const calls = [...PEOPLE, ...PEOPLE].map(async (name) => [name, await clientOf(name).whoami()]);
      for (const [name, text] of await Promise.all(calls)) expect(text).toBe(`You are ${name}@tracker`);
    };

    it('CA-2 each sees her own account afterwards, whoever calls when', async () => {
      await eachIsHerself();
      await eachIsHerself();
    }, 300_000);

    it('CA-3 and with tokens that have been renewed', async () => {
      const renewals = () => PEOPLE.map((name) => place.upstream.renewals.get(`${name}@tracker`) ?? 0);
      const before = renewals();
      const bothRenewed = async () => {
        await eachIsHerself();
        return renewals().every((count, index) => count > before[index]!);
      };
      await eventually(bothRenewed, { timeoutMs: 30_000, everyMs: 200 });
      await eachIsHerself();
    }, 300_000);

    it('CA-4 one who disconnects is asked again at once, while the other goes on', async () => {
      const ana = sitsAtTheKeyboard('ana');
      await ana.disconnectAll();
      const disconnectedAt = performance.now();
      let lastUseMs = 0;
      const again = async () => {
        const beganAt = performance.now();
        const calling = call(app, 'ana');
        const asked = await calling.asked;
        if (asked === undefined) lastUseMs = beganAt - disconnectedAt;
        return asked !== undefined && { calling, asked };
      };
      const { calling, asked } = await eventually(again);
      expect(lastUseMs).toBeLessThan(1_000);
      expect(await clientOf('bea').whoami()).toBe('You are bea@tracker');
      await ana.connect(asked, 'ana@tracker');
      expect(await calling.text()).toBe('You are ana@tracker');
      for (const name of PEOPLE) await sitsAtTheKeyboard(name).disconnectAll();
    }, 300_000);

    it('CA-5 no token of the upstream has reached the app, and none of the app the upstream', async () => {
      for (const name of PEOPLE) {
        const [received, tokens] = [await clientOf(name).received(), await clientOf(name).tokens()];
        ours.push(...tokens);
        expect(tokens.length).toBeGreaterThan(0);
        expect(received.length).toBeGreaterThan(100);
        for (const secret of Object.values(place.upstream.given).flat()) expect(received).not.toContain(secret);
        for (const token of tokens) expect(place.upstream.received.filter((text) => text.includes(token))).toEqual([]);
      }
    });
  });

  it('CA-6 the upstream saw tokens of its own and no others, and no session of it was used for two', async () => {
    const { received, given, sessions, revoked } = place.upstream;
    const shown = received.flatMap((text) => [...text.matchAll(/\bBearer ([^\s"]+)/g)].map(([, token = '']) => token));
    expect(shown.length).toBeGreaterThan(0);
    expect(shown.filter((token) => !given['access token'].includes(token))).toEqual([]);
    expect(received.filter((text) => JWT.test(text))).toEqual([]);
    expect([...sessions.values()].map(({ size }) => size)).toEqual([...sessions.values()].map(() => 1));
    await eventually(() => expect(revoked.length).toBeGreaterThanOrEqual(2 * apps.length));
  });

  it('CA-7 no token, code or secret of anybody is where it has no business', async () => {
    const { target, upstream } = place;
    const places = await placesUntilEnd(target);
    const secrets = {
      ...Object.fromEntries(Object.entries(upstream.given).map(([what, all]) => [what, [all.at(0), all.at(-1)]])),
      ...{ 'tokens of the gateway': [...ours.slice(0, 2), ...ours.slice(-2)], 'secret at the company': [place.idp.clientSecret] },
    };
    const found = Object.entries(secrets).map(([what, texts]) => [
      what,
      texts.flatMap((text) => (text === undefined ? ['there was none'] : placesWith(text, places))),
    ]);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(Object.keys(secrets).map((what) => [what, []])));
    // The places were looked at for real.
    expect(placesWith('connection.changed', places).join('\n')).toMatch(
      'storage' in target ? /^table \w+\.events$/m : /^events of the API$/m,
    );
  }, 300_000);
}
