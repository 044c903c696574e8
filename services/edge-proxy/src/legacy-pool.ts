import { capabilitiesFor, jsonAt, revisionOf } from '@switchyard/mcp';
import type { Clock } from '@switchyard/runtime';
import type { Logger } from '@switchyard/telemetry';
import { Cancellation } from './cancellation.js';
import type { Edge } from './edge.js';
import type { Call } from './exchange.js';
import { isMoreVerbose } from './log-levels.js';
import { Refusal } from './refusal.js';
import { tellLogLevel } from './upstream-log-level.js';
import { SubscriptionCount } from './upstream/subscription-count.js';
import type { LegacySession, OutboundContext, UpstreamLink, UpstreamMessage, UpstreamProfile } from './upstream/link.js';
import { CARRIED_CAPABILITIES, LEGACY_UPSTREAM_REVISION } from './upstream/profile.js';

/** Idle time after which a session ends. */
const IDLE_MS = 10 * 60_000;
const SWEEP_MS = 60_000;
/** Most sessions of one edge; the one that has been idle longest makes room. */
const MOST = 4_096;

interface Entry {
  readonly link: UpstreamLink;
  readonly opening: Promise<PooledSession | Refusal>;
  /** What it has opened. */
  session?: PooledSession | undefined;
  context: OutboundContext;
  usedAtMs: number;
  calls: number;
  readonly listeners: Map<string, PoolListener>;
  readonly subscriptions: SubscriptionCount;
  /** Whether the upstream may want to ask the client something. */
  readonly mayAsk: boolean;
  /** Ends the session's standing stream; absent where there is none. */
  stop?: (() => void) | undefined;
}

/** Who wants to know what the upstream says by itself in a session. */
export interface PoolListener {
  readonly onMessage: (message: UpstreamMessage) => void;
  readonly onMissed: () => void;
  /** The session has ended. */
  readonly onGone: () => void;
}

/** A session with a legacy upstream that modern requests of one caller share. */
export interface PooledSession extends LegacySession {
  readonly pooled: string;
  /** The lowest level of log messages that the upstream was asked for. */
  logLevel: string | undefined;
}

/** Whether it is one. */
export const isPooled = (standing: LegacySession | UpstreamProfile): standing is PooledSession => 'pooled' in standing;

/**
 * Sessions with legacy upstreams for modern clients, who have none of their own: one for each caller, upstream, credential and set of
 * declared capabilities, so that nothing of it reaches another caller.
 */
export class LegacyPool {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #held = new Map<string, Entry>();
  readonly #timer: NodeJS.Timeout;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
    this.#timer = setInterval(() => this.#sweep(), SWEEP_MS).unref();
  }

  /** The session that a request needs. Requests that need it at the same time share one handshake. */
  enter(call: Call, link: UpstreamLink, context: OutboundContext): Promise<PooledSession | Refusal> {
    const capabilities = declared(call);
    const key = keyOf(call, link, capabilities);
    const known = this.#held.get(key);
    if (known?.link === link) {
      known.usedAtMs = this.#clock.now();
      known.context = context;
      return known.opening;
    }
    const opening = open(key, link, context, capabilities);
    if (this.#held.size >= MOST) this.#evict();
    const entry: Entry = {
      link,
      opening,
      context,
      usedAtMs: this.#clock.now(),
      calls: 0,
      mayAsk: Object.keys(capabilities).length > 0,
      listeners: new Map(),
      subscriptions: new SubscriptionCount(),
    };
    this.#held.set(key, entry);
    const forget = () => {
      if (this.#held.get(key) === entry) this.#held.delete(key);
    };
    opening.then((opened) => (opened instanceof Refusal ? forget() : this.#opened(entry, opened)), forget);
    return opening;
  }

  /** Forgets a session that the upstream has ended. Calls that learn of it later, with another already open, change nothing. */
  async leave(session: PooledSession): Promise<void> {
    const entry = this.#held.get(session.pooled);
    if (entry === undefined || (await entry.opening) !== session || this.#held.get(session.pooled) !== entry) return;
    this.#held.delete(session.pooled);
    gone(entry);
  }

  /**
   * Joins the session's standing stream, which all listeners share (MCP 2025-11-25, "Listening for Messages from the Server").
   * @returns what leaves it, and tells which resources nobody is subscribed to any more; undefined where the session has ended meanwhile
   */
  listen(session: PooledSession, id: string, listener: PoolListener): (() => string[]) | undefined {
    const entry = this.#held.get(session.pooled);
    if (entry?.session !== session) return undefined;
    entry.listeners.set(id, listener);
    this.#hear(entry, session);
    entry.calls += 1;
    return () => {
      if (!entry.listeners.delete(id)) return [];
      entry.calls -= 1;
      entry.usedAtMs = this.#clock.now();
      if (entry.listeners.size === 0 && !entry.mayAsk) {
        entry.stop?.();
        entry.stop = undefined;
      }
      const orphans = entry.subscriptions.leave(id);
      return this.#held.get(session.pooled) === entry ? orphans : [];
    };
  }

  #opened(entry: Entry, session: PooledSession): void {
    entry.session = session;
    // What a server asks beside its calls no call could be held up for, so it is refused; unheard, it would hold up the call itself.
    if (entry.mayAsk && session.id !== undefined && this.#held.get(session.pooled) === entry) this.#hear(entry, session);
  }

  #hear(entry: Entry, session: PooledSession): void {
    entry.stop ??= entry.link.listen(session, entry.context, {
      session: session.pooled,
      onMessage: (message) => {
        for (const { onMessage } of entry.listeners.values()) onMessage(message);
      },
      onMissed: () => {
        for (const { onMissed } of entry.listeners.values()) onMissed();
      },
      onGone: () => void this.leave(session),
    });
  }

  /** Takes note that a listener subscribes to a resource. @returns whether another does already, so that the upstream need not be told */
  subscribe({ pooled }: PooledSession, id: string, uri: string): boolean {
    const subscriptions = this.#held.get(pooled)?.subscriptions;
    const isTold = subscriptions?.isSubscribed(uri) ?? false;
    subscriptions?.mustTell('resources/subscribe', uri, id);
    return isTold;
  }

  /** The upstream did not agree. */
  unsubscribe({ pooled }: PooledSession, id: string, uri: string): void {
    this.#held.get(pooled)?.subscriptions.mustTell('resources/unsubscribe', uri, id);
  }

  /** Keeps a session from ending while a call runs, until the returned function is called. */
  use({ pooled }: PooledSession): () => void {
    const entry = this.#held.get(pooled);
    if (entry === undefined) return () => undefined;
    entry.calls += 1;
    return () => {
      entry.calls -= 1;
      entry.usedAtMs = this.#clock.now();
    };
  }

  /** Ends the sessions over a link: the credential that they were opened with is another now, or no more. */
  async endOver(link: UpstreamLink): Promise<void> {
    const over = [...this.#held].filter(([, entry]) => entry.link === link);
    await Promise.all(over.map(([key, entry]) => this.#end(key, entry)));
  }

  /** Ends all sessions. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([...this.#held].map(([key, entry]) => this.#end(key, entry)));
  }

  #sweep(): void {
    const before = this.#clock.now() - IDLE_MS;
    for (const [key, entry] of this.#held) if (entry.calls === 0 && entry.usedAtMs <= before) void this.#end(key, entry);
  }

  #evict(): void {
    const idle = [...this.#held]
      .filter(([, { calls }]) => calls === 0)
      .sort(([, one], [, other]) => one.usedAtMs - other.usedAtMs);
    const [oldest] = idle;
    if (oldest !== undefined) void this.#end(...oldest);
  }

  async #end(key: string, entry: Entry): Promise<void> {
    const { link, opening, context } = entry;
    this.#held.delete(key);
    gone(entry);
    try {
      const standing = await opening;
      if (!(standing instanceof Refusal)) await link.closeLegacy(standing, context, key);
    } catch (error) {
      this.#log.warn('a pooled session did not end cleanly', { upstream: link.name, error });
    }
  }
}

function gone(entry: Entry): void {
  entry.stop?.();
  entry.stop = undefined;
  for (const { onGone } of entry.listeners.values()) onGone();
}

/** Asks the upstream for the log messages that this request wants, where it has not been asked for as many yet. */
export async function wantLogLevel(
  session: PooledSession,
  level: string | undefined,
  link: UpstreamLink,
  context: OutboundContext,
  edge: Edge,
): Promise<void> {
  if (level === undefined || !isMoreVerbose(level, session.logLevel)) return;
  session.logLevel = level;
  await tellLogLevel(link, session, level, context, edge);
}

/** What the upstream may be told of the client: it belongs to the session, so other capabilities mean another session. */
function declared({ inbound: { bytes, envelope } }: Call): Readonly<Record<string, unknown>> {
  const table = revisionOf(LEGACY_UPSTREAM_REVISION);
  if (table === undefined) throw new Error(`${LEGACY_UPSTREAM_REVISION} has no table`);
  const { clientCapabilitiesRange } = envelope;
  return knownOf(capabilitiesFor(clientCapabilitiesRange && jsonAt(bytes, clientCapabilitiesRange), table, CARRIED_CAPABILITIES));
}

/** Members that the specification gives these capabilities (MCP 2025-11-25, "Capability Negotiation"). */
const KNOWN_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  elicitation: ['form', 'url'],
  sampling: ['tools', 'context'],
  roots: [],
};

/** A client that declared something new with every request would have a session opened for each: only what has a meaning counts. */
function knownOf(capabilities: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const known = Object.entries(KNOWN_MEMBERS).flatMap(([name, members]) => {
    const value = capabilities[name];
    if (typeof value !== 'object' || value === null) return [];
    const present = members.filter((member) => typeof Reflect.get(value, member) === 'object');
    return [[name, Object.fromEntries(present.map((member) => [member, {}]))] as const];
  });
  return Object.fromEntries(known);
}

function keyOf({ caller, exchange }: Call, { name: upstream, scope }: UpstreamLink, capabilities: object): string {
  const credential = exchange.catalog.upstreams.get(upstream)?.credentialVersion ?? '';
  return JSON.stringify([caller.key, upstream, scope, credential, capabilities]);
}

async function open(
  key: string,
  link: UpstreamLink,
  context: OutboundContext,
  capabilities: Readonly<Record<string, unknown>>,
): Promise<PooledSession | Refusal> {
  // Belongs to all who share the session, so no caller's departure ends it.
  const opened = await link.openLegacy(context, new Cancellation(), capabilities);
  return opened instanceof Refusal ? opened : { ...opened, pooled: key, logLevel: undefined };
}
