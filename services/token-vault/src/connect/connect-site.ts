import { requestFields } from '@switchyard/admin-api';
import type { Audit } from '@switchyard/audit';
import { CONNECT_CLIENT, type EventFields } from '@switchyard/contracts';
import { StateUnavailable } from '@switchyard/state';
import type { Logger } from '@switchyard/telemetry';
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ConnectWay } from '../connect-way.js';
import { connectionLabel, type ConnectionId } from '../connections/connection.js';
import type { Connections } from '../connections/connections.js';
import type { Gateway } from '../gateway-view.js';
import { TenantKeyDestroyed } from '../keyring/keyring.js';
import { KmsUnavailable } from '../kms/kms.js';
import { PAGE_HEADERS, readForm, type Page } from '@switchyard/pages';
import { clientMetadataDocument, type GatewayClient } from '../upstream-oauth/client-registration.js';
import { OAuthProblem } from '../upstream-oauth/oauth-problem.js';
import type { UpstreamSettings } from '../upstream-oauth/upstream-settings.js';
import { enteredKey } from '../user-key/entered-key.js';
import type { KeySettings } from '../user-key/key-settings.js';
import { browserUser, formToken, SIGN_IN_MS, type BrowserSignIn, type BrowserUser, type OwnServer } from './browser-sign-in.js';
import { AUTHORIZATION_MS, type ConnectFlow } from './connect-flow.js';
import { listPage, problemPage, upstreamPage } from './connect-pages.js';
import { Cookies } from './cookies.js';
import { keyPage } from './key-page.js';
import { sendPage } from './send-page.js';
import type { SealedTexts } from './sealed-text.js';

/** What the connect pages stand on. */
export interface ConnectSiteOptions {
  readonly gateway: () => Gateway | undefined;
  /** Address of the authorization server behind the edge; undefined where the vault was not told. */
  readonly authServer: () => Promise<string | undefined>;
  /** Upstreams that people connect to, and how. */
  readonly upstreams: () => Promise<readonly string[]>;
  readonly way: (upstream: string) => Promise<ConnectWay | undefined>;
  readonly clock: { now(): number };
  readonly signIn: BrowserSignIn;
  /** Whether somebody was signed out everywhere, or is kept out, since they signed in. */
  readonly isOut: (user: BrowserUser) => boolean;
  readonly flow: ConnectFlow;
  readonly connections: Connections;
  readonly sealed: SealedTexts;
  readonly audit: Pick<Audit, 'record' | 'accepting'>;
  readonly log: Logger;
}

/** One request, and what is known about it. */
interface Visit {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  readonly own: OwnServer;
  readonly cookies: Cookies;
  /** Where the browser was sent to. */
  readonly path: string;
}

/** Shorter than revocations stand (a quarter of an hour): a session ends before what ended it is forgotten. Begun anew with each consent. */
const SESSION_MS = 14 * 60_000;
const CONNECT_PATH = /^\/connect(?:\/([A-Za-z0-9_.-]{1,64}))?$/;

/** How the gateway is known to authorization servers of upstreams. Its metadata document is of use only where they can fetch it. */
export const gatewayClient = ({ publicUrl, loopback }: Pick<Gateway, 'publicUrl' | 'loopback'>): GatewayClient => ({
  redirectUri: `${publicUrl}/connect/callback`,
  ...(publicUrl.startsWith('https:') && !loopback && { metadataUrl: `${publicUrl}/connect/client.json` }),
});

/** The pages at which people connect this gateway with their own accounts at upstreams. */
export class ConnectSite {
  readonly #o: ConnectSiteOptions;

  constructor(options: ConnectSiteOptions) {
    this.#o = options;
  }

  /** Answers what is under /connect; calls `next` for everything else. */
  readonly handle = (request: IncomingMessage, response: ServerResponse, next: () => void): void => {
    const [path = '', search = ''] = (request.url ?? '/').split('?', 2);
    if (path !== '/connect' && !path.startsWith('/connect/')) return next();
    this.#serve(request, response, path, search).catch((error: unknown) => this.#failed(response, error));
  };

  async #serve(request: IncomingMessage, response: ServerResponse, path: string, search: string): Promise<void> {
    const [gateway, authServer] = [this.#o.gateway(), await this.#o.authServer()];
    const name = CONNECT_PATH.exec(path);
    if (name === null) return sendPage(response, NOT_FOUND);
    if (gateway === undefined || authServer === undefined) return sendPage(response, NOT_READY);
    const own = { publicUrl: gateway.publicUrl, authServer };
    const visit: Visit = {
      ...{ request, response, own, path },
      query: new URLSearchParams(search),
      cookies: new Cookies(gateway.publicUrl),
    };
    const fixed = name[1] === undefined ? undefined : this.#fixed[name[1]];
    if (fixed !== undefined && request.method === 'GET') return fixed(visit, gateway);
    const user = await this.#user(visit);
    if (request.method === 'GET') return user === undefined ? this.#signIn(visit, path, false) : this.#show(visit, user, name[1]);
    if (request.method === 'POST' && name[1] !== undefined) return this.#post(visit, user, name[1], gateway);
    response.setHeader('allow', 'GET, POST');
    return sendPage(response, { ...NOT_FOUND, status: 405 });
  }

  readonly #fixed: Readonly<Record<string, (visit: Visit, gateway: Gateway) => Promise<void>>> = {
    'sign-in': (visit) => {
      const upstream = CONNECT_PATH.exec(`/connect/${visit.query.get('upstream') ?? ''}`)?.[1];
      return this.#signIn(visit, upstream === undefined ? '/connect' : `/connect/${upstream}`, true);
    },
    'signed-in': (visit) => this.#signedIn(visit),
    callback: (visit) => this.#callback(visit),
    'client.json': async ({ response }, gateway) => {
      const { metadataUrl, redirectUri } = gatewayClient(gateway);
      if (metadataUrl === undefined) return sendPage(response, NOT_FOUND);
      const text = JSON.stringify(clientMetadataDocument({ metadataUrl, redirectUri }));
      response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'max-age=300' }).end(text);
    },
  };

  #user({ request, cookies, own }: Visit): Promise<BrowserUser | undefined> {
    const cookie = cookies.read(request.headers.cookie, 'switchyard_connect');
    return this.#o.sealed
      .open('session', cookie, browserUser)
      .then((user) => (user?.issuer === own.publicUrl && !this.#o.isOut(user) ? user : undefined));
  }

  async #signIn({ response, own, cookies }: Visit, returnTo: string, anew: boolean): Promise<void> {
    const { url, cookie } = await this.#o.signIn.begin(own, returnTo, anew);
    redirect(response, url, [cookies.set('switchyard_connect_sign_in', cookie, SIGN_IN_MS)]);
  }

  async #signedIn({ request, response, own, cookies, query }: Visit): Promise<void> {
    const name = 'switchyard_connect_sign_in';
    const done = await this.#o.signIn.finish(own, query, cookies.read(request.headers.cookie, name));
    if (done === undefined) {
      const text = 'You were not signed in, or it was started in another browser or too long ago.';
      const page = { status: 400, title: 'You are not signed in', text, reason: 'sign_in_failed', again: '/connect' };
      return sendPage(response, problemPage(page), [cookies.clear(name)]);
    }
    const session = await this.#o.sealed.seal('session', done.user, SESSION_MS);
    redirect(response, done.returnTo, [cookies.clear(name), cookies.set('switchyard_connect', session, SESSION_MS)]);
  }

  async #show(visit: Visit, user: BrowserUser, upstream: string | undefined): Promise<void> {
    const frame = { person: user.name, csrf: formToken(user) };
    const of = (name: string) => ({ issuer: user.issuer, subject: user.subject, upstream: name });
    if (upstream === undefined) {
      const names = await this.#o.upstreams();
      const list = async (name: string) => this.#o.connections.list(of(name), await this.#o.way(name));
      const upstreams = await Promise.all(names.map(async (name) => ({ name, connections: await list(name) })));
      return sendPage(visit.response, listPage({ ...frame, upstreams }));
    }
    const way = await this.#o.way(upstream);
    if (way === undefined) return sendPage(visit.response, NO_UPSTREAM);
    const connections = await this.#o.connections.list(of(upstream), way);
    const justConnected = visit.query.get('connected') ?? undefined;
    const { settings } = way;
    if (way.kind === 'user-key') {
      const replace = visit.query.get('replace') ?? undefined;
      return sendPage(
        visit.response,
        keyPage({ ...frame, upstream, settings: way.settings, connections, justConnected, replace }),
      );
    }
    const prospect = await this.#o.flow.prospect(way.settings, scopesBefore(connections));
    if (prospect instanceof OAuthProblem) return this.#refuse(visit, prospect, upstream, user);
    const { at, scopes } = prospect;
    const page = {
      ...frame,
      upstream,
      host: new URL(settings.url).host,
      at,
      formTargets: [new URL(prospect.found.server.authorization_endpoint ?? '').origin],
      scopes,
      connections,
    };
    return sendPage(visit.response, upstreamPage({ ...page, ...(justConnected !== undefined && { justConnected }) }));
  }

  async #post(visit: Visit, user: BrowserUser | undefined, upstream: string, gateway: Gateway): Promise<void> {
    const { request, response, own } = visit;
    const form = await readForm(request);
    if (user === undefined || form === undefined || !isOurForm(request, form, user, own.publicUrl))
      return sendPage(response, FOREIGN_FORM);
    const way = await this.#o.way(upstream);
    const label = connectionLabel.safeParse(form.get('label'));
    if (way === undefined) return sendPage(response, NO_UPSTREAM);
    if (!label.success) return sendPage(response, BAD_LABEL(upstream));
    // A change that could not be recorded is not made.
    if (!this.#o.audit.accepting()) return sendPage(response, NOT_READY);
    const id: ConnectionId = { issuer: user.issuer, subject: user.subject, upstream, label: label.data };
    const what = form.get('do');
    if (what === 'disconnect') await this.#o.connections.disconnect(id, actorOf(request, user));
    else if (what === 'choose') await this.#o.connections.choose(id, actorOf(request, user));
    else if (way.kind === 'oauth') return this.#begin(visit, user, id, way.settings, gateway);
    else return this.#takeKey(visit, user, id, way.settings, form.get('key') ?? '');
    redirect(response, `/connect/${upstream}`);
  }

  async #takeKey(
    { request, response }: Visit,
    user: BrowserUser,
    id: ConnectionId,
    settings: KeySettings,
    text: string,
  ): Promise<void> {
    const { upstream, label } = id;
    const entered = enteredKey(text, settings);
    if (!entered.ok) {
      const connections = await this.#o.connections.list(id, { kind: 'user-key', settings });
      const page = { person: user.name, csrf: formToken(user), upstream, settings, connections };
      return sendPage(response, keyPage({ ...page, replace: label, problem: { label, text: entered.problem } }));
    }
    const { origin } = new URL(settings.url);
    const connection = { format: 2, state: 'connected', key: entered.key, origin, connectedAtMs: this.#o.clock.now() } as const;
    await this.#o.connections.connect(id, connection, actorOf(request, user));
    redirect(response, `/connect/${upstream}?${new URLSearchParams({ connected: label }).toString()}`);
  }

  async #begin(visit: Visit, user: BrowserUser, id: ConnectionId, settings: UpstreamSettings, gateway: Gateway): Promise<void> {
    const { upstream, label } = id;
    const connections = await this.#o.connections.list(id, { kind: 'oauth', settings });
    const prospect = await this.#o.flow.prospect(settings, scopesBefore(connections));
    if (prospect instanceof OAuthProblem) return this.#refuse(visit, prospect, upstream, user);
    const begun = await this.#o.flow.begin(user, { upstream, label, settings }, prospect, gatewayClient(gateway));
    if (begun instanceof OAuthProblem) return this.#refuse(visit, begun, upstream, user);
    const session = await this.#o.sealed.seal('session', user, SESSION_MS);
    redirect(visit.response, begun.url.href, [
      visit.cookies.set('switchyard_connect_consent', begun.cookie, AUTHORIZATION_MS),
      visit.cookies.set('switchyard_connect', session, SESSION_MS),
    ]);
  }

  async #callback(visit: Visit): Promise<void> {
    const { request, response, cookies, query } = visit;
    const name = 'switchyard_connect_consent';
    const user = await this.#user(visit);
    const cookie = cookies.read(request.headers.cookie, name);
    const done = await this.#o.flow.finish(user, query, cookie, actorOf(request, user));
    if (done instanceof OAuthProblem) return this.#refuse(visit, done, undefined, user);
    const { upstream, label } = done;
    redirect(response, `/connect/${upstream}?${new URLSearchParams({ connected: label }).toString()}`, [cookies.clear(name)]);
  }

  /** Shows why not, and records it. */
  async #refuse(
    { response, request }: Visit,
    { reason, message, code }: OAuthProblem,
    upstream = '',
    user?: BrowserUser,
  ): Promise<void> {
    const detail = { change: 'refused', ...(code !== '' && { error: code }) };
    await this.#o.audit.record({
      ...actorOf(request, user),
      type: 'connection.changed',
      outcome: 'denied',
      reason,
      upstream,
      detail,
    });
    this.#o.log.info('an upstream was not connected', { upstream, reason });
    const title = upstream === '' ? 'Nothing was connected' : `${upstream} cannot be connected now`;
    const again = upstream === '' ? '/connect' : `/connect/${upstream}`;
    sendPage(response, problemPage({ status: statusOf(reason), title, text: message, reason: code || reason, again }));
  }

  #failed(response: ServerResponse, error: unknown): void {
    const outage = error instanceof StateUnavailable || error instanceof KmsUnavailable || error instanceof TenantKeyDestroyed;
    if (outage) this.#o.log.warn('a connect page cannot be served at the moment', { error });
    else this.#o.log.error('a connect page failed', { error });
    if (response.headersSent) response.destroy();
    else sendPage(response, outage ? NOT_READY : FAILED);
  }
}

const scopesBefore = (connections: readonly { readonly scopes: readonly string[]; readonly wanted: readonly string[] }[]) => [
  ...new Set(connections.flatMap(({ scopes, wanted }) => (wanted.length > 0 ? [...scopes, ...wanted] : []))),
];

/** Who is at the browser, and in which request. */
const actorOf = (request: IncomingMessage, user: BrowserUser | undefined): Partial<EventFields> => ({
  ...requestFields(request),
  client_id: CONNECT_CLIENT.id,
  ...(user && {
    principal_issuer: user.issuer,
    principal_subject: user.subject,
    principal_name: user.name,
    principal_kind: 'user',
  }),
});

function redirect(response: ServerResponse, location: string, cookies: readonly string[] = []): void {
  response
    .writeHead(303, { ...PAGE_HEADERS, location, 'content-length': 0, ...(cookies.length > 0 && { 'set-cookie': [...cookies] }) })
    .end();
}

/** Whether a posted form came from a page of this session: by its token, and by what the browser says of its origin. */
function isOurForm({ headers }: IncomingMessage, form: URLSearchParams, user: BrowserUser, publicUrl: string): boolean {
  const { origin, 'sec-fetch-site': site } = headers;
  if (origin !== undefined && origin !== publicUrl) return false;
  if (site !== undefined && site !== 'same-origin') return false;
  const [given, expected] = [Buffer.from(form.get('csrf') ?? ''), Buffer.from(formToken(user))];
  return given.length === expected.length && timingSafeEqual(given, expected);
}

const statusOf = (reason: OAuthProblem['reason']) =>
  reason === 'upstream_unreachable' ? 503 : reason === 'answer_mismatch' ? 400 : 502;

const page = (status: number, title: string, text: string, reason: string, again?: string): Page =>
  problemPage({ status, title, text, reason, ...(again !== undefined && { again }) });

const NOT_FOUND = page(404, 'There is no such page', 'Check the address.', 'not_found', '/connect');
const NO_UPSTREAM = page(
  404,
  'There is nothing to connect',
  'This gateway has no such server that needs an account of yours.',
  'unknown_upstream',
  '/connect',
);
const NOT_READY = page(503, 'Not available at the moment', 'Nothing was changed. Try again shortly.', 'unavailable');
const FAILED = page(
  500,
  'Something went wrong in the gateway',
  'The log of the gateway says what. Nothing was connected.',
  'server_error',
);
const FOREIGN_FORM = page(
  403,
  'This was not sent from a page of this gateway',
  'Nothing was changed. Open the page again and start from there.',
  'foreign_form',
  '/connect',
);
const BAD_LABEL = (upstream: string) =>
  page(
    400,
    'This name cannot be used',
    'Use letters, digits, spaces and . _ @ + -, at most 40 of them.',
    'bad_label',
    `/connect/${upstream}`,
  );
