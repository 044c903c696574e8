import { randomBytes } from 'node:crypto';
import { streamName } from './event-id.js';
import { EventLog } from './event-log.js';

/** Most that is kept of one session's streams; the newest event is kept whatever its size. */
const SESSION_LIMIT_BYTES = 1024 * 1024;
const SESSION_LIMIT_EVENTS = 1_000;
/** Most that one edge keeps for all its sessions. */
const EDGE_LIMIT_BYTES = 64 * 1024 * 1024;
/** How long the events of a stream that has ended are kept. */
const KEPT_MS = 60_000;
/** An id of a request is part of its events' ids; streams of requests with longer ones cannot be resumed. */
const REQUEST_ID_LIMIT = 256;
const NEWEST_LEGACY = '2025-11-25';

/** Logs, oldest first, and how much they hold together. */
class BoundedLogs {
  readonly logs = new Map<string, EventLog>();
  #bytes = 0;
  #events = 0;

  constructor(
    private readonly limitBytes: number,
    private readonly limitEvents: number,
  ) {}

  added(bytes: number): void {
    this.#bytes += bytes;
    this.#events += 1;
  }

  dropped(bytes: number, events: number): void {
    this.#bytes -= bytes;
    this.#events -= events;
  }

  /** A log of which the oldest event is to go; the newest of all stays whatever its size. */
  excess(): EventLog | undefined {
    if (this.#events < 2 || (this.#bytes <= this.limitBytes && this.#events <= this.limitEvents)) return undefined;
    for (const log of this.logs.values()) if (log.count > 0) return log;
    return undefined;
  }
}

/** The events that one edge keeps of all streams, so that memory is bounded. */
export class KeptEvents {
  readonly edge: string;
  readonly all = new BoundedLogs(EDGE_LIMIT_BYTES, Number.POSITIVE_INFINITY);
  readonly #owners = new Map<EventLog, SessionStreams>();

  readonly onUnheard: (log: EventLog) => void;

  /** @param edge name of this edge @param onUnheard told of a call's stream that has ended without anybody hearing its end */
  constructor(edge: string, onUnheard: (log: EventLog) => void) {
    this.edge = edge;
    this.onUnheard = onUnheard;
  }

  add(log: EventLog, owner: SessionStreams): void {
    this.#owners.set(log, owner);
    this.all.logs.set(log.name, log);
  }

  remove(log: EventLog): void {
    this.#owners.delete(log);
    this.all.logs.delete(log.name);
    this.all.dropped(log.bytes, log.count);
  }

  /** Lets go of the oldest events where there are too many. */
  fit(): void {
    for (let log = this.all.excess(); log !== undefined; log = this.all.excess()) this.#owners.get(log)?.drop(log);
  }
}

/** The streams of one legacy session at this edge, as far as they can be resumed (MCP 2025-11-25, "Resumability and Redelivery"). */
export class SessionStreams {
  readonly #session: string;
  readonly #revision: string;
  readonly #kept: KeptEvents;
  readonly #own = new BoundedLogs(SESSION_LIMIT_BYTES, SESSION_LIMIT_EVENTS);

  constructor(session: string, revision: string, kept: KeptEvents) {
    this.#session = session;
    this.#revision = revision;
    this.#kept = kept;
  }

  /** Whether the client knows events without data: those of older revisions take them for messages. */
  get primes(): boolean {
    return this.#revision >= NEWEST_LEGACY;
  }

  /** @param requestId JSON text; empty for the standing stream */
  begin(requestId: string): EventLog | undefined {
    if (requestId.length > REQUEST_ID_LIMIT) return undefined;
    const log = new EventLog(streamName(this.#session, this.#kept.edge, requestId, randomBytes(9).toString('base64url')));
    this.#own.logs.set(log.name, log);
    this.#kept.add(log, this);
    return log;
  }

  find(name: string): EventLog | undefined {
    return this.#own.logs.get(name);
  }

  /** Keeps an event. @returns its id */
  append(log: EventLog, data: Buffer): string {
    const id = log.append(data);
    if (!this.#own.logs.has(log.name)) return id;
    this.#own.added(data.length);
    this.#kept.all.added(data.length);
    for (let full = this.#own.excess(); full !== undefined; full = this.#own.excess()) this.drop(full);
    this.#kept.fit();
    return id;
  }

  /** Lets go of a log's oldest event. */
  drop(log: EventLog): void {
    const bytes = log.drop();
    this.#own.dropped(bytes, 1);
    this.#kept.all.dropped(bytes, 1);
  }

  /** Nothing follows on a stream; what it has said is kept for a while. */
  end(log: EventLog): void {
    if (log.ended) return;
    log.end();
    if (!log.isHeard) this.unheard(log);
    setTimeout(() => this.#forget(log), KEPT_MS).unref();
  }

  /** Nobody has heard the end of a stream. */
  unheard(log: EventLog): void {
    if (log.isCall) this.#kept.onUnheard(log);
  }

  /** The session has ended: so have its calls. */
  close(): void {
    for (const log of [...this.#own.logs.values()]) {
      log.abandon();
      this.#forget(log);
    }
  }

  #forget(log: EventLog): void {
    if (!this.#own.logs.delete(log.name)) return;
    this.#own.dropped(log.bytes, log.count);
    this.#kept.remove(log);
  }
}
