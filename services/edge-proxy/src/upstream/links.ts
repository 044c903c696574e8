import { type Egress, LOOPBACK } from '@switchyard/egress';
import { CredentialOwner, type Upstream } from '@switchyard/contracts';
import type { Clock } from '@switchyard/runtime';
import type { Logger } from '@switchyard/telemetry';
import type { Catalog } from '../catalog.js';
import { EVERYBODY } from '../credential-scope.js';
import { HttpLink } from './http-link.js';
import type { IdSource } from './id-source.js';
import type { Renew, UpstreamLink } from './link.js';
import { ScopedLinks } from './scoped-links.js';
import { StdioLink } from './stdio-link.js';
import { UpstreamHttp } from './upstream-http.js';

/** What links are made of. */
export interface LinksOptions {
  readonly egress: Egress;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly log: Logger;
  readonly resultLimitBytes: number;
  readonly renew: Renew;
  /** Told what local servers say to nobody in particular. */
  readonly onSaid: (upstream: string, method: string) => void;
}

interface Held {
  readonly definition: string;
  /** The link that all callers share; absent where callers, or teams, have credentials of their own. */
  readonly shared: UpstreamLink | undefined;
  readonly scoped: ScopedLinks;
}

/** Longer than a client's session lasts that nobody uses. */
const IDLE_HTTP_MS = 60 * 60_000;
/** A process costs more than a link. */
const IDLE_STDIO_MS = 10 * 60_000;
const MOST_HTTP = 10_000;
const MOST_STDIO = 64;
const SWEEP_MS = 60_000;

/** A gateway that itself serves on loopback may reach loopback: that is a developer's machine. */
const isLoopback = (publicUrl: string) => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(publicUrl).hostname);

/**
 * The links to all upstreams of the catalog: one for each, or, where callers or teams have credentials of their own, one for each of
 * them. A link lives as long as its upstream's definition and credential stay the same.
 */
export class UpstreamLinks {
  readonly #options: LinksOptions;
  readonly #http: UpstreamHttp;
  readonly #timer: NodeJS.Timeout;
  #held = new Map<string, Held>();

  constructor(options: LinksOptions) {
    this.#options = options;
    this.#http = new UpstreamHttp(options.egress, options.clock);
    this.#timer = setInterval(() => this.#sweep(), SWEEP_MS).unref();
  }

  /** Follows a new catalog: keeps the links that it does not change, ends the others. */
  apply(catalog: Catalog): void {
    const next = new Map<string, Held>();
    for (const upstream of catalog.upstreams.values()) {
      const definition = JSON.stringify(upstream);
      const held = this.#held.get(upstream.name);
      next.set(upstream.name, held?.definition === definition ? held : this.#hold(upstream, definition));
    }
    // Last of what may throw, so that a catalog that cannot be used changes nothing.
    this.#options.egress.setAllowed(isLoopback(catalog.publicUrl) ? [...LOOPBACK, ...catalog.egressAllow] : catalog.egressAllow);
    const kept = new Set(next.values());
    const ended = [...this.#held.values()].filter((held) => !kept.has(held));
    this.#held = next;
    for (const link of ended.flatMap(linksOf)) this.#end(link);
  }

  /** Whether the newest catalog has this upstream. */
  has(name: string): boolean {
    return this.#held.has(name);
  }

  /** Whether `get` has a link for this scope, or room for one: so many may be in use at a time. */
  hasRoom(name: string, scope: string): boolean {
    return scope === EVERYBODY || this.#held.get(name)?.scoped.hasRoom(scope) === true;
  }

  /**
   * The link to an upstream for those of one scope, made where there is none.
   * @throws when the newest catalog has no such upstream: `has` tells
   */
  get(name: string, scope: string): UpstreamLink {
    const held = this.#held.get(name);
    if (held === undefined) throw new Error(`no upstream ${name} in the snapshot`);
    if (scope !== EVERYBODY) return held.scoped.get(scope);
    if (held.shared === undefined) throw new Error(`a call of ${name} is without its caller's credential`);
    return held.shared;
  }

  /** The link to an upstream for those of one scope, where there is one. */
  find(name: string, scope: string): UpstreamLink | undefined {
    const held = this.#held.get(name);
    return scope === EVERYBODY ? held?.shared : held?.scoped.find(scope);
  }

  /** The links to an upstream of those who have links of their own. */
  scoped(name: string): UpstreamLink[] {
    return this.#held.get(name)?.scoped.all() ?? [];
  }

  /** Ends the link of one scope with everything that stands on it: its credential is another now, or no more. */
  drop(name: string, scope: string): void {
    this.#held.get(name)?.scoped.drop(scope);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([...this.#held.values()].flatMap(linksOf).map((link) => link.close()));
  }

  #hold(upstream: Upstream, definition: string): Held {
    const isShared = upstream.credentialOwner === CredentialOwner.UNSPECIFIED;
    const isStdio = upstream.transport.case === 'stdio';
    const scoped = new ScopedLinks({
      make: (scope) => this.#make(upstream, scope),
      clock: this.#options.clock,
      most: isStdio ? MOST_STDIO : MOST_HTTP,
      idleMs: isStdio ? IDLE_STDIO_MS : IDLE_HTTP_MS,
      onEnd: (link) => this.#end(link),
    });
    return { definition, scoped, shared: isShared ? this.#make(upstream, EVERYBODY) : undefined };
  }

  #sweep(): void {
    for (const { scoped } of this.#held.values()) scoped.sweep();
  }

  #end(link: UpstreamLink): void {
    void link
      .close()
      .catch((error: unknown) => this.#options.log.error('upstream did not end cleanly', { upstream: link.name, error }));
  }

  #make(upstream: Upstream, scope: string): UpstreamLink {
    const { ids, clock, resultLimitBytes, renew } = this.#options;
    const { name, transport } = upstream;
    const shared = { name, scope, definition: upstream, ids, clock, resultLimitBytes };
    if (transport.case === 'http') return new HttpLink({ ...shared, url: new URL(transport.value.url), http: this.#http, renew });
    if (transport.case === 'stdio') {
      const { command, args, cwd } = transport.value;
      return new StdioLink({
        ...shared,
        command,
        args,
        cwd,
        onSaid: (method) => this.#options.onSaid(name, method),
        log: this.#options.log.child({ upstream: name }),
      });
    }
    throw new Error(`upstream ${name} has no transport`);
  }
}

const linksOf = ({ shared, scoped }: Held): UpstreamLink[] => [...(shared === undefined ? [] : [shared]), ...scoped.all()];
