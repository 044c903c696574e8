import type { EventFields } from '@switchyard/contracts';
import { generateDpopKey } from '@switchyard/oauth';
import type { KvStore } from '@switchyard/state';
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { ConnectionId, OAuthConnection } from '../connections/connection.js';
import type { Connections } from '../connections/connections.js';
import { withTokens } from '../connections/token-times.js';
import type { UpstreamClients } from '../connections/upstream-clients.js';
import { beginAuthorization, checkAnswer, pendingAuthorization, scopesToAsk } from '../upstream-oauth/authorization.js';
import { bindsTokens } from '../upstream-oauth/bound-tokens.js';
import type { GatewayClient } from '../upstream-oauth/client-registration.js';
import { discover, type Discovered } from '../upstream-oauth/discover.js';
import type { OAuthHttp } from '../upstream-oauth/oauth-http.js';
import { OAuthProblem } from '../upstream-oauth/oauth-problem.js';
import { redeemCode } from '../upstream-oauth/tokens.js';
import type { UpstreamSettings } from '../upstream-oauth/upstream-settings.js';
import type { BrowserUser } from './browser-sign-in.js';
import type { SealedTexts } from './sealed-text.js';

const started = z.strictObject({
  upstream: z.string(),
  label: z.string(),
  issuer: z.string(),
  subject: z.string(),
  /** Hash of what the browser was given when its user agreed. */
  consent: z.string(),
  pending: pendingAuthorization,
});

const PURPOSE = 'authorization';

/** How long somebody may take at the upstream. */
export const AUTHORIZATION_MS = 10 * 60_000;

/** What is about to be asked of somebody. */
export interface Prospect {
  readonly found: Discovered;
  /** Host of the authorization server. */
  readonly at: string;
  readonly scopes: readonly string[];
}

/** What connecting stands on. */
export interface ConnectFlowOptions {
  readonly http: OAuthHttp;
  readonly clients: UpstreamClients;
  readonly connections: Connections;
  /** Bucket `connecting`. */
  readonly kv: KvStore;
  readonly sealed: SealedTexts;
  readonly clock: { now(): number };
}

const hashOf = (text: string) => createHash('sha256').update(text).digest('base64url');
const placeOf = (state: string) => `state ${hashOf(state)}`;

/** Connecting somebody to an upstream's authorization server, from their consent here to the stored tokens. */
export class ConnectFlow {
  readonly #o: ConnectFlowOptions;

  constructor(options: ConnectFlowOptions) {
    this.#o = options;
  }

  /** What would be asked, and by whom. @param before scopes that were granted or wanted before */
  async prospect(settings: UpstreamSettings, before: readonly string[]): Promise<Prospect | OAuthProblem> {
    const { url, issuer } = settings;
    const found = await discover(this.#o.http, { url, ...(issuer !== undefined && { issuer }) });
    if (found instanceof OAuthProblem) return found;
    return { found, at: new URL(found.server.authorization_endpoint ?? '').host, scopes: scopesToAsk(found, settings, before) };
  }

  /**
   * Begins, after somebody has agreed.
   * @returns where to send the browser, and what it must bring back as its cookie
   * @throws KmsUnavailable; TenantKeyDestroyed; StateUnavailable
   */
  async begin(
    user: BrowserUser,
    target: { readonly upstream: string; readonly label: string; readonly settings: UpstreamSettings },
    prospect: Prospect,
    gateway: GatewayClient,
  ): Promise<{ readonly url: URL; readonly cookie: string } | OAuthProblem> {
    const { upstream, label, settings } = target;
    const { found, scopes } = prospect;
    const client = await this.#o.clients.clientAt(upstream, found.server, settings, gateway);
    if (client instanceof OAuthProblem) return client;
    const isBound = bindsTokens(found, settings, client);
    if (isBound instanceof OAuthProblem) return isBound;
    const { authorizeParameters } = settings;
    const dpopKey = isBound ? await generateDpopKey() : undefined;
    const { url, pending } = await beginAuthorization(found, client, { scopes, authorizeParameters, dpopKey });
    const cookie = randomBytes(32).toString('base64url');
    const { issuer, subject } = user;
    const value = { upstream, label, issuer, subject, consent: hashOf(cookie), pending };
    const text = await this.#o.sealed.seal(PURPOSE, value, AUTHORIZATION_MS);
    await this.#o.kv.create(placeOf(pending.state), Buffer.from(text), { ttlMs: AUTHORIZATION_MS });
    return { url, cookie };
  }

  /**
   * Finishes, with what the browser brought back. An answer counts once, in the browser whose user agreed, for that user.
   * @throws KmsUnavailable; TenantKeyDestroyed; StateUnavailable; SpoolFull
   */
  async finish(
    user: BrowserUser | undefined,
    query: URLSearchParams,
    cookie: string | undefined,
    actor: Partial<EventFields>,
  ): Promise<ConnectionId | OAuthProblem> {
    const begun = await this.#take(query.get('state'));
    if (begun === undefined || user === undefined || hashOf(cookie ?? '') !== begun.consent) return elsewhere;
    if (begun.issuer !== user.issuer || begun.subject !== user.subject) return elsewhere;
    const { upstream, label, issuer, subject, pending } = begun;
    const answer = checkAnswer(pending, query);
    if (answer instanceof OAuthProblem) return answer;
    const tokens = await redeemCode(this.#o.http, pending, answer);
    if (tokens instanceof OAuthProblem) {
      if (tokens.reason === 'client_refused' && pending.client.how === 'registered')
        await this.#o.clients.forget(upstream, pending.client);
      return tokens;
    }
    const id = { issuer, subject, upstream, label };
    const { client, resource, dpopKey } = pending;
    const now = this.#o.clock.now();
    const base: OAuthConnection = {
      ...{ format: 1, state: 'connected', client, resource, accessToken: '' },
      ...{ scopes: [], wanted: [], connectedAtMs: now, obtainedAtMs: now },
      ...(dpopKey !== undefined && { dpopKey }),
    };
    await this.#o.connections.connect(id, withTokens(base, tokens, now), actor);
    return id;
  }

  /** Takes what was begun under a state out of the store: of several who try, one gets it. */
  async #take(state: string | null) {
    if (state === null || state.length > 200) return undefined;
    const place = placeOf(state);
    const entry = await this.#o.kv.get(place);
    if (entry === undefined || !(await this.#o.kv.delete(place, entry.revision)).ok) return undefined;
    return this.#o.sealed.open(PURPOSE, Buffer.from(entry.value).toString('utf8'), started);
  }
}

const elsewhere = new OAuthProblem(
  'answer_mismatch',
  'This was not started in this browser by you, was finished before, or took longer than ten minutes. Nothing was connected.',
);
