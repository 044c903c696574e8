import { hash, randomBytes } from 'node:crypto';
import { renderSession } from '@switchyard/audit';
import type { KvStore } from '@switchyard/state';
import type { Clock } from '@switchyard/runtime';
import * as z from 'zod';
import { Cancellation } from './cancellation.js';
import type { Caller } from './exchange.js';
import { Refusal } from './refusal.js';
import type { EventLog } from './event-log.js';
import { KeptEvents, SessionStreams } from './session-streams.js';
import type { StandingStream } from './methods/standing-stream.js';
import type { LegacySession, UpstreamLink } from './upstream/link.js';

const upstreamSession = z.object({
  id: z.string().optional(),
  revision: z.string(),
  capabilities: z.record(z.string(), z.unknown()),
  instructions: z.string(),
  /** Whose credential it was opened with, as `credentialScope` says; absent: everybody's. */
  scope: z.string().optional(),
});

const sessionRecord = z.object({
  server: z.string(),
  issuer: z.string(),
  subject: z.string(),
  clientId: z.string(),
  revision: z.string(),
  clientName: z.string(),
  clientVersion: z.string(),
  logLevel: z.string().optional(),
  /** What the client declared, as far as the gateway carries it. */
  capabilities: z.record(z.string(), z.unknown()).default({}),
  /** The edge that holds the stream of a session over HTTP with SSE; other sessions are held by none. */
  holder: z.string().optional(),
  /** Upstream sessions that outlive this process; stdio upstreams have none. */
  upstreams: z.record(z.string(), upstreamSession),
  /** Resources that the client has subscribed to, by upstream: URIs as the upstream has them. */
  subscriptions: z.record(z.string(), z.array(z.string())).optional(),
  /** The edge process that holds its standing stream, or has held it, where upstreams tell that one alone of resources. */
  stream: z.string().optional(),
});

/** What is kept of a legacy client's session, for every edge to read. */
export type SessionRecord = z.infer<typeof sessionRecord>;

/** A session as this edge holds it. */
export interface ClientSession {
  readonly id: string;
  /** Which one it is, as events say it: by a digest, since who has the id has half of what it takes to use the session. */
  readonly rendered: string;
  record: SessionRecord;
  revision: number;
  checkedAtMs: number;
  usedAtMs: number;
  writtenAtMs: number;
  /** Sessions with upstreams, being opened or open, and the links over which they are. */
  readonly links: Map<string, { readonly link: UpstreamLink; readonly opening: Promise<LegacySession | Refusal> }>;
  /** Its standing stream, also for a while after its client has gone. */
  standing: StandingStream | undefined;
  /** What its streams have said here. */
  readonly streams: SessionStreams;
  /** Cancelled when this edge learns that the session has ended. */
  readonly ended: Cancellation;
  /** Who used it last at this edge. */
  caller: Caller | undefined;
}

/** Idle time after which a session ends. */
export const SESSION_IDLE_MS = 30 * 60_000;
/** How long this edge believes its memory before it asks whether another edge has ended the session. */
const RECHECK_MS = 10_000;
const TOUCH_MS = 5 * 60_000;
const SWEEP_MS = 60_000;
/** 256 bits in base64url. */
const SESSION_ID = /^[A-Za-z0-9_-]{43}$/;

/** What the store is told at the start. */
export interface SessionStoreOptions {
  /** Name of this edge. */
  readonly edge: string;
  /** Most sessions of one principal at this edge. */
  readonly perPrincipal: number;
  /** Told of a call's stream that has ended without anybody hearing its end. */
  readonly onUnheard: (log: EventLog) => void;
}

const principalOf = ({ issuer, subject }: Pick<SessionRecord, 'issuer' | 'subject'>) => `${issuer}\n${subject}`;

/** Sessions of legacy clients: any edge serves any session, and a restart loses none (MCP 2025-11-25, "Session Management"). */
export class SessionStore {
  readonly #kv: KvStore;
  readonly #clock: Clock;
  readonly #held = new Map<string, ClientSession>();
  readonly #perPrincipal: number;
  readonly #kept: KeptEvents;
  readonly #byPrincipal = new Map<string, Set<ClientSession>>();
  #sweptAtMs = 0;

  constructor(kv: KvStore, clock: Clock, { edge, perPrincipal, onUnheard }: SessionStoreOptions) {
    this.#kv = kv;
    this.#clock = clock;
    this.#perPrincipal = perPrincipal;
    this.#kept = new KeptEvents(edge, onUnheard);
  }

  /** Sessions in this process's memory. */
  get size(): number {
    return this.#held.size;
  }

  /** The session, where this edge has it in memory. */
  held(id: string): ClientSession | undefined {
    return this.#held.get(id);
  }

  /** The sessions of a principal that this edge has in memory. */
  heldOf(principal: Pick<Caller['principal'], 'issuer' | 'subject'>): ClientSession[] {
    return [...(this.#byPrincipal.get(principalOf(principal)) ?? [])];
  }

  /** Makes a session; its id is 256 random bits. Of a principal that has too many, the one that was used least recently ends. */
  async open(record: SessionRecord): Promise<ClientSession> {
    const id = randomBytes(32).toString('base64url');
    const created = await this.#kv.create(id, encode(record), { ttlMs: SESSION_IDLE_MS });
    if (!created.ok) throw new Error('a new session id exists already');
    const session = this.#hold(id, record, created.revision);
    await this.#evict(session);
    return session;
  }

  async #evict(newest: ClientSession): Promise<void> {
    const all = this.#byPrincipal.get(principalOf(newest.record));
    while (all !== undefined && all.size > this.#perPrincipal) {
      let oldest: ClientSession | undefined;
      for (const session of all)
        if (session !== newest && (oldest === undefined || session.usedAtMs < oldest.usedAtMs)) oldest = session;
      if (oldest === undefined) return;
      await this.close(oldest);
    }
  }

  /** The session, where it exists and belongs to this principal, client and server; else the same refusal for every case. */
  async find(id: string, server: string, caller: Caller): Promise<ClientSession | Refusal> {
    const { principal, clientId } = caller;
    const session = SESSION_ID.test(id) ? await this.#current(id) : undefined;
    const owned =
      session !== undefined &&
      session.record.server === server &&
      session.record.issuer === principal.issuer &&
      session.record.subject === principal.subject &&
      session.record.clientId === clientId;
    if (owned) session.caller = caller;
    return owned ? session : new Refusal('session_unknown', 'This session does not exist or has ended. Initialize a new one.');
  }

  /** Keeps a session that is in use without calls from ending; notices where another edge has ended it. */
  async keep(session: ClientSession): Promise<void> {
    await this.#load(session.id);
  }

  /** Applies a change to the stored record; on a conflict with another edge, to what that edge has written. */
  async change(session: ClientSession, edit: (record: SessionRecord) => SessionRecord): Promise<void> {
    for (;;) {
      const next = edit(session.record);
      const written = await this.#kv.update(session.id, encode(next), session.revision, { ttlMs: SESSION_IDLE_MS });
      if (written.ok) {
        Object.assign(session, { record: next, revision: written.revision, writtenAtMs: this.#clock.now() });
        return;
      }
      const entry = await this.#kv.get(session.id);
      if (entry === undefined) return this.#forget(session.id, session);
      Object.assign(session, { record: decode(entry.value), revision: entry.revision });
    }
  }

  /** Ends a session. */
  async close(session: ClientSession): Promise<void> {
    this.#forget(session.id, session);
    await this.#kv.delete(session.id);
  }

  /** Ends the sessions that were last used here by whoever `isRevoked` tells of. */
  async endRevoked(isRevoked: (caller: Caller) => boolean): Promise<void> {
    const ended = [...this.#held.values()].filter(({ caller }) => caller !== undefined && isRevoked(caller));
    await Promise.all(ended.map((session) => this.close(session)));
  }

  async #current(id: string): Promise<ClientSession | undefined> {
    const held = this.#held.get(id);
    const now = this.#clock.now();
    if (held === undefined || now - held.checkedAtMs >= RECHECK_MS) return this.#load(id);
    held.usedAtMs = now;
    return held;
  }

  async #load(id: string): Promise<ClientSession | undefined> {
    const entry = await this.#kv.get(id);
    // Looked up after the wait: of calls that come together one holds the session, the others find it.
    const held = this.#held.get(id);
    if (entry === undefined) {
      this.#forget(id, held);
      return undefined;
    }
    const session = held ?? this.#hold(id, decode(entry.value), entry.revision);
    Object.assign(session, { record: decode(entry.value), revision: entry.revision, checkedAtMs: this.#clock.now() });
    session.usedAtMs = session.checkedAtMs;
    if (this.#clock.now() - session.writtenAtMs > TOUCH_MS) await this.change(session, (record) => record);
    return session;
  }

  #hold(id: string, record: SessionRecord, revision: number): ClientSession {
    const now = this.#clock.now();
    const session: ClientSession = {
      id,
      rendered: renderSession(sessionDigest(id)),
      record,
      revision,
      checkedAtMs: now,
      usedAtMs: now,
      writtenAtMs: now,
      links: new Map(),
      standing: undefined,
      streams: new SessionStreams(id, record.revision, this.#kept),
      ended: new Cancellation(),
      caller: undefined,
    };
    this.#sweep(now);
    this.#held.set(id, session);
    const principal = principalOf(record);
    const others = this.#byPrincipal.get(principal);
    if (others === undefined) this.#byPrincipal.set(principal, new Set([session]));
    else others.add(session);
    return session;
  }

  /** Memory holds what is in use; the store holds the rest. */
  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptAtMs < SWEEP_MS) return;
    this.#sweptAtMs = nowMs;
    for (const [id, session] of this.#held) {
      if (nowMs - session.checkedAtMs > SESSION_IDLE_MS) this.#forget(id, session);
    }
  }

  #forget(id: string, session: ClientSession | undefined): void {
    this.#held.delete(id);
    if (session === undefined) return;
    const principal = principalOf(session.record);
    const all = this.#byPrincipal.get(principal);
    all?.delete(session);
    if (all?.size === 0) this.#byPrincipal.delete(principal);
    session.ended.cancel();
    session.streams.close();
    session.standing?.close();
  }
}

/** 128 bits of SHA-256, in base64url. */
export const sessionDigest = (id: string) => hash('sha256', id, 'base64url').slice(0, 22);

const encode = (record: SessionRecord) => Buffer.from(JSON.stringify(record));
const decode = (value: Uint8Array) => sessionRecord.parse(JSON.parse(Buffer.from(value).toString('utf8')));
