import type { Principal } from '@switchyard/contracts';
import type { Edge } from '../edge.js';
import type { Call } from '../exchange.js';
import { isPooled } from '../legacy-pool.js';
import { outboundContext, standingLink } from '../outbound-context.js';
import { reachableUpstreams } from '../reachable.js';
import { Refusal } from '../refusal.js';
import { decide } from '../stages/authorize.js';
import { scopesFor } from '../stages/check-scopes.js';
import type { LegacySession, OutboundContext, UpstreamLink, UpstreamProfile } from '../upstream/link.js';
import type { Catalog } from '../catalog.js';
import { type Filter, type Kind, KINDS, listChanged, union } from './filter.js';
import type { Subscription } from './feed.js';
import { Heard, noticesOf } from './heard.js';
import { legacySource } from './legacy-source.js';
import { MergedNotices } from './merged-notices.js';
import { modernSource } from './modern-source.js';
import { offered } from './offered.js';
import { outdateLists } from './outdate-lists.js';
import { Retry } from './retry.js';

/** Whose stream it is. */
export type StreamCall = Omit<Call, 'inbound'>;

/** What a client's stream says of itself. Two implementations: the standing stream of a session, and `subscriptions/listen`. */
export interface Audience {
  /** What it wants of an upstream, its rights apart. */
  wanted(upstream: string): Filter;
  /** The standing with an upstream that its calls have, opened where there is none. */
  enter(
    upstream: UpstreamLink,
    context: OutboundContext,
  ): LegacySession | UpstreamProfile | Refusal | Promise<LegacySession | UpstreamProfile | Refusal>;
  /** Listens on a session of its own; absent where it has none. `onGone` is to be told when the upstream has ended the session. */
  own?(link: UpstreamLink, session: LegacySession, context: OutboundContext, onGone: () => void): Subscription;
  tell(heard: Heard): void;
  /** There is nothing to hear any more: the server is no longer part of the configuration. */
  end(): void;
}

/** What is seldom needed is made where it is: there are as many as idle streams. */
interface Place {
  retry: Retry | undefined;
  /** The first word on what is carried, where somebody waits for it. */
  first: PromiseWithResolvers<Filter> | undefined;
  link: UpstreamLink | undefined;
  standing: LegacySession | UpstreamProfile | undefined;
  subscription: Subscription | undefined;
  /** Whether the upstream could not be heard for a time. */
  missed: boolean;
}

/** What one client hears of the upstreams of its server: of those that it may reach, and of resources that it may read. */
export class Listening {
  readonly #audience: Audience;
  readonly #edge: Edge;
  #notices: MergedNotices | undefined;
  readonly #places = new Map<string, Place>();
  #call: StreamCall;
  #closed = false;

  constructor(call: StreamCall, audience: Audience, edge: Edge) {
    this.#call = call;
    this.#audience = audience;
    this.#edge = edge;
  }

  /** The configuration that it knows. */
  get catalog(): Catalog {
    return this.#call.exchange.catalog;
  }

  get principal(): Principal {
    return this.#call.caller.principal;
  }

  /** Slug of the server. */
  get server(): string {
    return this.#call.exchange.server.slug;
  }

  /** Listens to every upstream that the client may reach. @param missed whether the client has missed what they said before */
  start(missed: boolean): void {
    for (const upstream of reachableUpstreams(this.#call)) if (!this.#places.has(upstream)) this.#begin(upstream, missed);
  }

  /** What the upstreams carry together, once each has said so. To be asked for as soon as they are listened to. */
  async honoured(): Promise<Filter> {
    return union(await Promise.all([...this.#places.values()].map((place) => (place.first ??= Promise.withResolvers()).promise)));
  }

  /** A call has opened a session: what is heard of its upstream is heard there. */
  entered(link: UpstreamLink, standing: LegacySession): void {
    const { name } = link;
    const place = this.#places.get(name) ?? this.#placeOf(name, false);
    if (this.#closed || place.standing === standing) return;
    // Whatever the session before was still to say is lost.
    if (place.standing !== undefined) place.missed = true;
    this.#enter(name, place, standing).catch((error: unknown) => this.#failed(name, error));
  }

  /**
   * Wants something else of an upstream.
   * @param told a resource of which it knows by the client's own request
   * @returns what it carries; undefined where nothing is known of it
   */
  follow(upstream: string, told?: string): Promise<Filter> | undefined {
    return this.#places.get(upstream)?.subscription?.change(this.#wantedOf(upstream), told);
  }

  /** Wants something else of any. */
  followAll(): void {
    for (const upstream of this.#places.keys()) void this.follow(upstream);
  }

  /** Goes on under a new configuration. @param changed lists that the client sees differently now */
  reconfigure(catalog: Catalog, changed: readonly Kind[]): void {
    const { exchange } = this.#call;
    const server = catalog.servers.get(exchange.server.slug);
    if (server === undefined) return this.#audience.end();
    this.#call = { ...this.#call, exchange: { ...exchange, catalog, server } };
    const reachable = new Set(reachableUpstreams(this.#call));
    for (const [upstream, place] of this.#places) {
      const isSame = place.link === undefined || standingLink(this.#call, upstream, this.#edge) === place.link;
      if (reachable.has(upstream) && isSame) void this.follow(upstream);
      else this.#leave(upstream, place);
    }
    for (const kind of changed) this.take(new Heard(listChanged(kind), {}));
    this.start(true);
  }

  /** The caller's connection to an upstream has changed: what stood on it is no more, and its part of every list is another. */
  reconnect(upstream: string): void {
    const place = this.#places.get(upstream);
    if (this.#closed || place === undefined) return;
    this.#leave(upstream, place);
    for (const kind of KINDS) this.take(new Heard(listChanged(kind), {}));
    this.#begin(upstream, true);
  }

  /** What an upstream said for a time was not heard. */
  missed(upstream: string): void {
    outdateLists(upstream, this.#edge);
    for (const notice of noticesOf(this.#wantedOf(upstream))) this.take(notice);
  }

  /** Passes on what is heard. */
  take(heard: Heard): void {
    if (this.#closed) return;
    this.#notices ??= new MergedNotices((passed) => this.#audience.tell(passed));
    this.#notices.take(heard);
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#notices?.close();
    for (const [upstream, place] of this.#places) this.#leave(upstream, place);
  }

  #leave(upstream: string, place: Place): void {
    this.#places.delete(upstream);
    place.retry?.stop();
    place.subscription?.leave();
    place.first?.resolve({});
  }

  #placeOf(upstream: string, missed: boolean): Place {
    const place: Place = {
      retry: undefined,
      first: undefined,
      link: undefined,
      standing: undefined,
      subscription: undefined,
      missed,
    };
    this.#places.set(upstream, place);
    return place;
  }

  #begin(upstream: string, missed: boolean): void {
    const place = this.#placeOf(upstream, missed);
    this.#enter(upstream, place).catch((error: unknown) => this.#failed(upstream, error));
  }

  #failed(upstream: string, error: unknown): void {
    this.#edge.log.error('a stream could not join an upstream', { error, upstream });
  }

  /** @param entered what a call has opened */
  async #enter(upstream: string, place: Place, entered?: LegacySession): Promise<void> {
    const context = await outboundContext(this.#call, upstream, this.#edge);
    if (context instanceof Refusal) return this.#lacks(upstream, place, context);
    const link = this.#edge.links.get(upstream, context.scope);
    const standing = entered ?? (await this.#audience.enter(link, context));
    if (this.#places.get(upstream) !== place || place.standing === standing) return;
    // A configuration may have come meanwhile.
    const isCurrent = this.#edge.links.find(upstream, context.scope) === link;
    if (standing instanceof Refusal || !isCurrent) this.#again(upstream, place);
    else this.#join(place, link, standing, context);
  }

  /** Once the caller has connected, the vault says so; until then nobody asks it. */
  #lacks(upstream: string, place: Place, { reason }: Refusal): void {
    // Its token is over: from now on the stream goes on when a call has what it needs, and the vault is not asked for it.
    if (reason === 'caller_unproven') this.#call.exchange.head.authorization = undefined;
    if (reason !== 'connection_required') return this.#again(upstream, place);
    place.missed = true;
    place.first?.resolve({});
  }

  #again(upstream: string, place: Place): void {
    if (this.#places.get(upstream) !== place || place.subscription !== undefined) return;
    place.missed = true;
    place.retry ??= new Retry();
    place.retry.again(() => {
      this.#enter(upstream, place).catch((error: unknown) => this.#failed(upstream, error));
    });
  }

  #join(place: Place, link: UpstreamLink, standing: LegacySession | UpstreamProfile, context: OutboundContext): void {
    const { name } = link;
    place.retry?.stop();
    place.retry?.succeeded();
    place.subscription?.leave();
    place.link = link;
    place.standing = standing;
    const onOver = () => {
      if (this.#places.get(name) !== place || place.standing !== standing) return;
      place.subscription = undefined;
      place.standing = undefined;
      this.#again(name, place);
    };
    const isModern = 'era' in standing && standing.era === 'modern';
    const own = isPooled(standing) || isModern ? undefined : this.#audience.own?.(link, standing, context, onOver);
    const { missed } = place;
    place.missed = false;
    if (missed) outdateLists(name, this.#edge);
    place.subscription =
      own ??
      this.#edge.feeds.join(
        isPooled(standing) ? standing : link,
        () => (isPooled(standing) ? legacySource(link, standing, this.#edge) : modernSource(link, this.#edge)),
        { take: (heard) => this.take(heard), onOver, context: () => outboundContext(this.#call, name, this.#edge) },
        missed,
      );
    void place.subscription.change(this.#wantedOf(name)).then((honoured) => {
      place.first?.resolve(honoured);
      if (own !== undefined && missed) this.missed(name);
    });
  }

  /** Resources are heard of where the caller may read them. */
  #wantedOf(upstream: string): Filter {
    const { exchange, caller } = this.#call;
    const wanted = this.#audience.wanted(upstream);
    const sources = exchange.server.sources.filter((source) => source.upstream === upstream);
    const readable = wanted.resourceSubscriptions?.filter((name) =>
      sources.some((source) => {
        const resource = { kind: 'resource', name } as const;
        const isAllowed = decide(caller.principal, source, resource, exchange.catalog).allowed;
        return isAllowed && scopesFor(caller.scopes, source, resource) === undefined;
      }),
    );
    const standing = this.#places.get(upstream)?.standing;
    const own = { ...wanted, ...(readable && { resourceSubscriptions: readable }) };
    return standing === undefined ? own : offered(standing, own);
  }
}
