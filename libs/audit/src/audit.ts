import type { EventFields } from '@switchyard/contracts';
import type { Bus } from '@switchyard/messaging';
import type { Clock } from '@switchyard/runtime';
import type { Logger } from '@switchyard/telemetry';
import { setTimeout as delay } from 'node:timers/promises';
import { Forwarder } from './forwarder.js';
import { renderEvent } from './render-event.js';
import { Spool } from './spool.js';

/** What the audit trail of a process is told. */
export interface AuditOptions {
  /** Directory for the spool, of this process alone; made where it is missing. */
  readonly dir: string;
  /** Name of the process, for example `edge-1`; unique among processes. */
  readonly emitter: string;
  /** Tenant of events that name none. */
  readonly tenant: string;
  /** Most bytes that may wait on disk to be forwarded. */
  readonly limitBytes: number;
  /** Size of a segment file; 16 MiB, or an eighth of the limit where that is less, unless told. */
  readonly segmentBytes?: number;
  /** How long close() goes on forwarding; 5 s unless told. */
  readonly drainLimitMs?: number;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
}

const defaultSegmentBytes = 16 * 1024 ** 2;
const defaultDrainLimitMs = 5_000;

/** The audit trail of one process: events go to the spool at once, and from there to the bus. */
export class Audit {
  readonly #options: AuditOptions;
  readonly #spool: Spool;
  readonly #forwarder: Forwarder;
  #closed: Promise<void> | undefined;

  private constructor(options: AuditOptions, spool: Spool) {
    this.#options = options;
    this.#spool = spool;
    this.#forwarder = new Forwarder({ ...options, spool });
  }

  /**
   * Opens the spool, and begins to forward what it holds.
   * @throws SpoolInUse where another process has the directory open; else the system's error
   */
  static async open(options: AuditOptions): Promise<Audit> {
    const segmentBytes = options.segmentBytes ?? Math.min(defaultSegmentBytes, Math.ceil(options.limitBytes / 8));
    return new Audit(options, Spool.open({ ...options, segmentBytes }));
  }

  /**
   * Records an event.
   * @param shared caller and circumstances, rendered, where several events say them
   * @returns when it is in the kernel: it survives `kill -9` of this process
   * @throws SpoolFull (as a rejection) at the cap, or where the disk refuses it; the event was not recorded
   */
  record(fields: EventFields, shared?: string): Promise<void> {
    const { tenant, emitter } = this.#options;
    const { epoch } = this.#spool;
    return this.#spool.append((sequence, recordedAtMs) =>
      renderEvent(fields, { tenant, emitter, epoch, sequence, recordedAtMs }, shared),
    );
  }

  /** Whether new work may be taken. False near the cap and while the disk refuses writes: refuse with `audit_unavailable`. */
  accepting(): boolean {
    return this.#spool.accepting();
  }

  /** Bytes that wait to be forwarded. */
  depthBytes(): number {
    return this.#spool.backlog.depthBytes;
  }

  /** Age of the oldest event that waits to be forwarded, milliseconds; 0 where none does. */
  oldestUnforwardedMs(): number {
    const recordedAtMs = this.#spool.backlog.oldestRecordedAtMs();
    return recordedAtMs === undefined ? 0 : Math.max(0, this.#options.clock.now() - recordedAtMs);
  }

  /** Writes what was recorded, forwards what can be forwarded in time, and closes; the rest waits for the next start. Idempotent. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#spool.flush();
    const limit = new AbortController();
    const limitMs = this.#options.drainLimitMs ?? defaultDrainLimitMs;
    const timeUp = delay(limitMs, undefined, { signal: limit.signal }).catch(() => undefined);
    await Promise.race([this.#forwarder.drained(), timeUp]);
    limit.abort();
    await this.#forwarder.stop();
    this.#spool.close();
  }
}
