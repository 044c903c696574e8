import type { EventFields } from '@switchyard/contracts';
import type { KvStore } from '@switchyard/state';
import type { Logger } from '@switchyard/telemetry';
import type { AuthorizationServer } from 'oauth4webapi';
import { setTimeout as pause } from 'node:timers/promises';
import type { Audit } from '@switchyard/audit';
import type { OAuthHttp } from '../upstream-oauth/oauth-http.js';
import { OAuthProblem, unreachableProblem } from '../upstream-oauth/oauth-problem.js';
import { refreshTokens, revokeToken, type Tokens } from '../upstream-oauth/tokens.js';
import type { ConnectionId, OAuthConnection } from './connection.js';
import type { ConnectionNewsdesk } from './connection-news.js';
import type { ConnectionStore, Intact } from './connection-store.js';
import type { KnownServers } from './known-servers.js';
import { withTokens } from './token-times.js';
import type { UpstreamClients } from './upstream-clients.js';

/** What refreshing stands on. */
export interface RefreshOptions {
  readonly store: ConnectionStore;
  readonly clients: UpstreamClients;
  /** Bucket `connecting`: who refreshes what now. */
  readonly leases: KvStore;
  readonly servers: KnownServers;
  readonly http: OAuthHttp;
  readonly news: ConnectionNewsdesk;
  readonly audit: Pick<Audit, 'accepting'>;
  readonly clock: { now(): number };
  readonly log: Logger;
}

/** A connection as it stands. */
export type Standing = Intact<OAuthConnection>;

/** What came of it: the connection as it stands then, why there is no new token, or that there is no such connection any more. */
export type Refreshed = Standing | OAuthProblem | 'gone';

/** Longer than a token request can take, so that it ends by itself only after a crash. */
const LEASE_MS = 20_000;
const WAIT_MS = 8_000;
const LOOK_AGAIN_MS = 50;
const BACKOFF_MS = 2_000;
const BACKOFF_LIMIT_MS = 60_000;

/** Which call needs a token, as events say it. */
type Call = Partial<EventFields>;

/** A refresh under way. */
interface Holding {
  readonly id: ConnectionId;
  readonly call: Call;
  /** Of the place in `leases` that is ours. */
  readonly lease: number;
}

/**
 * Renews access tokens: once for all calls of this process, and once for all vaults, because a refresh token that is used twice ends
 * the connection at most authorization servers. Who holds the lease writes down that it begins, asks, and stores what it was given
 * before anybody uses it.
 */
export class Refresher {
  readonly #o: RefreshOptions;
  readonly #running = new Map<string, Promise<Refreshed>>();

  constructor(options: RefreshOptions) {
    this.#o = options;
  }

  /**
   * Renews a connection's access token, or waits for whoever does.
   * @param stale version that cannot be used any more; where another stands by now, that is the result
   * @param call that needs it, for events; of several that do, the one that came first
   * @throws KmsUnavailable; TenantKeyDestroyed; StateUnavailable
   */
  refresh(id: ConnectionId, stale: string, call: Call): Promise<Refreshed> {
    const name = keyOf(id);
    const running =
      this.#running.get(name) ??
      this.#refresh(id, stale, call).finally(() => {
        this.#running.delete(name);
      });
    this.#running.set(name, running);
    return running;
  }

  /** Renews before anybody has to wait for it. What goes wrong is tried again when somebody has to. */
  refreshAhead(id: ConnectionId, stale: string, call: Call): void {
    this.refresh(id, stale, call).catch((error: unknown) => {
      this.#o.log.warn('a token could not be renewed ahead of time', { upstream: id.upstream, error });
    });
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running.values());
  }

  async #refresh(id: ConnectionId, stale: string, call: Call): Promise<Refreshed> {
    const untilMs = performance.now() + WAIT_MS;
    while (performance.now() < untilMs) {
      const standing = await this.#standing(id);
      if (standing === undefined) return 'gone';
      if (standing.version !== stale || standing.value.state !== 'connected') return standing;
      const server = await this.#o.servers.find(standing.value.client.issuer);
      if (server instanceof OAuthProblem) return server;
      const lease = await this.#o.leases.create(keyOf(id), Buffer.from('refresh'), { ttlMs: LEASE_MS });
      if (!lease.ok) {
        await pause(LOOK_AGAIN_MS);
        continue;
      }
      const outcome = await this.#holding({ id, call, lease: lease.revision }, stale, server).finally(() =>
        this.#o.leases.delete(keyOf(id), lease.revision),
      );
      if (outcome !== 'moved') return outcome;
    }
    return busy;
  }

  /** What the holder of the lease does. @returns `moved` where the record changed under it: look again */
  async #holding(held: Holding, stale: string, server: AuthorizationServer): Promise<Refreshed | 'moved'> {
    const { id, lease } = held;
    const { store, clock, audit, http } = this.#o;
    // Whoever held the lease before may have done it.
    const standing = await this.#standing(id);
    if (standing === undefined) return 'gone';
    const { value } = standing;
    if (standing.version !== stale || value.state !== 'connected') return standing;
    // What cannot be recorded is not done; and who was just told to wait, waits.
    if (!audit.accepting() || clock.now() < retryAtMs(value)) return busy;
    if (value.refreshToken === undefined) return this.#end(held, standing, 'no_refresh_token');
    const attempts = (value.refreshing?.attempts ?? 0) + 1;
    const journal = { lease, startedAtMs: clock.now(), attempts };
    if ((await store.replace(id, standing.place, { ...value, refreshing: journal })) === undefined) return 'moved';
    const { client, refreshToken, resource, scopes, account: subject, dpopKey } = value;
    const asked = { server, client, refreshToken, resource, scopes, dpopKey, ...(subject !== undefined && { subject }) };
    const tokens = await refreshTokens(http, asked);
    if (tokens instanceof OAuthProblem) return this.#failed(held, tokens);
    const committed = await this.#commit(held, tokens);
    // Its owner disconnected or connected anew meanwhile: nobody may use what came.
    if (committed === 'moved' && tokens.refreshToken !== undefined)
      await revokeToken(http, { server, client }, tokens.refreshToken);
    return committed;
  }

  /** Stores what was given, before anybody uses it. The record may have been encrypted anew meanwhile; the journal says whether it is ours. */
  async #commit({ id, lease, call }: Holding, tokens: Tokens): Promise<Refreshed | 'moved'> {
    const { store, clock, news } = this.#o;
    for (;;) {
      const standing = await this.#ours(id, lease);
      if (standing === undefined) return 'moved';
      const { refreshing: _done, ...value } = standing.value;
      const next = withTokens(value, tokens, clock.now());
      const version = await store.replace(id, standing.place, next);
      if (version === undefined) continue;
      await news.tell({ id, change: 'refreshed', state: 'refreshed', version, actor: call });
      return (await this.#standing(id)) ?? 'gone';
    }
  }

  async #failed(held: Holding, problem: OAuthProblem): Promise<Refreshed | 'moved'> {
    const { id, lease } = held;
    const { clients, log } = this.#o;
    log.info('a connection could not be renewed', { upstream: id.upstream, reason: problem.reason });
    const standing = await this.#ours(id, lease);
    if (standing === undefined) return 'moved';
    if (ENDING.has(problem.reason)) return this.#end(held, standing, problem.reason);
    if (problem.reason !== 'client_refused') return problem;
    // What the configuration says is for whoever runs the gateway to correct.
    if (standing.value.client.how === 'configured') return problem;
    await clients.forget(id.upstream, standing.value.client);
    return this.#end(held, standing, problem.reason);
  }

  /** Takes down, once, that its owner must connect again. */
  async #end({ id, call }: Holding, { value, place }: Standing, reason: string): Promise<Refreshed | 'moved'> {
    const { store, news } = this.#o;
    const { refreshToken: _token, dpopKey: _key, refreshing: _refreshing, ...rest } = value;
    const { expiresAtMs: _ends, refreshAtMs: _renew, ...kept } = rest;
    const version = await store.replace(id, place, { ...kept, state: 'reauth_required', accessToken: '' });
    if (version === undefined) return 'moved';
    await news.tell({ id, change: 'reauth_required', state: 'reauth_required', version, reason, actor: call });
    return (await this.#standing(id)) ?? 'gone';
  }

  /** The record, where it is still the one that this refresh began with. */
  async #ours(id: ConnectionId, lease: number): Promise<Standing | undefined> {
    const standing = await this.#standing(id);
    return standing?.value.refreshing?.lease === lease ? standing : undefined;
  }

  /** The connection; undefined where there is none, or one that has no tokens. */
  async #standing(id: ConnectionId): Promise<Standing | undefined> {
    const read = await this.#o.store.get(id);
    if (read.state !== 'intact' || read.value.format !== 1) return undefined;
    return { ...read, value: read.value };
  }
}

/** After these the refresh token is of no use any more. */
const ENDING: ReadonlySet<OAuthProblem['reason']> = new Set(['grant_ended', 'token_unusable'] as const);

const busy = unreachableProblem('The authorization server of the upstream');

const keyOf = ({ issuer, subject, upstream, label }: ConnectionId) =>
  `refresh ${JSON.stringify([issuer, subject, upstream, label])}`;

/** A refresh whose end is not known is tried again, but not at once, and later each time. */
function retryAtMs({ refreshing }: OAuthConnection): number {
  if (refreshing === undefined) return 0;
  return refreshing.startedAtMs + Math.min(BACKOFF_MS * 2 ** (refreshing.attempts - 1), BACKOFF_LIMIT_MS);
}
