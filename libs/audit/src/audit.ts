import type { EventFields } from '@switchyard/contracts';
import type { Bus } from '@switchyard/messaging';
import type { Clock } from '@switchyard/runtime';
import type { Logger } from '@switchyard/telemetry';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Forwarder } from './forwarder.js';
import { PayloadSpool } from './payloads/payload-spool.js';
import { renderOpenEvent } from './render-event.js';
import { SpoolFull } from './spool-full.js';
import { Spool } from './spool.js';
import { unknownOutcome } from './unknown-outcome.js';
import { Unrecorded, type UnrecordedEvent } from './unrecorded.js';

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

/** Something that is about to be done, and is on record before. */
export interface Intent {
  /** Its event id. The event of how it ended says it as `detail.intent`. */
  readonly id: string;
  /** When it survives a loss of power. @throws SpoolFull (as a rejection) where the disk refuses */
  readonly onDisk: Promise<void>;
}

/** How far a boot is. */
export interface AuditProgress {
  readonly epoch: number;
  /** Sequence of the last event that was recorded. */
  readonly written: number;
  /** Sequence up to which the stream has confirmed all of them. */
  readonly forwarded: number;
}

const defaultSegmentBytes = 16 * 1024 ** 2;
const defaultDrainLimitMs = 5_000;
const retryMs = 1_000;

/** The audit trail of one process: events go to the spool at once, and from there to the bus. */
export class Audit {
  /** What is captured of calls, where anything is. */
  readonly payloads: PayloadSpool;
  readonly #options: AuditOptions;
  readonly #spool: Spool;
  readonly #forwarder: Forwarder;
  readonly #unrecorded: Unrecorded;
  readonly #closing = new AbortController();
  #telling: Promise<void> | undefined;
  #concluding: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  private constructor(options: AuditOptions, segmentBytes: number) {
    this.#options = options;
    this.#spool = Spool.open({ ...options, segmentBytes, onLost: (records) => this.#lost(records) });
    try {
      this.#unrecorded = Unrecorded.open(path.join(options.dir, 'unrecorded'), options.clock);
      this.payloads = new PayloadSpool({ ...options, segmentBytes, dir: path.join(options.dir, 'payloads') });
    } catch (error) {
      this.#spool.close();
      throw error;
    }
    const spool = this.#spool;
    this.#forwarder = new Forwarder({ ...options, spool });
  }

  /**
   * Opens the spool, and begins to forward what it holds. What an earlier boot had begun and did not end has the outcome `unknown`.
   * @throws SpoolInUse where another process has the directory open; else the system's error
   */
  static async open(options: AuditOptions): Promise<Audit> {
    const segmentBytes = options.segmentBytes ?? Math.min(defaultSegmentBytes, Math.ceil(options.limitBytes / 8));
    const audit = new Audit(options, segmentBytes);
    if (audit.#unrecorded.pending() !== undefined) audit.#tellSoon();
    audit.#concluding = audit.#conclude(audit.#spool.intents.lines());
    return audit;
  }

  /**
   * Records an event.
   * @param shared caller and circumstances, rendered, where several events say them
   * @returns when it is in the kernel: it survives `kill -9` of this process
   * @throws SpoolFull (as a rejection) at the cap, or where the disk refuses it; the event was not recorded
   */
  record(fields: EventFields, shared?: string): Promise<void> {
    if (!this.#spool.takes()) this.#count(fields);
    const { tenant, emitter } = this.#options;
    const { epoch } = this.#spool;
    return this.#spool.append((sequence, recordedAtMs) =>
      renderOpenEvent(fields, { tenant, emitter, epoch, sequence, recordedAtMs }, shared),
    );
  }

  /**
   * Records how something ended that an intent had announced, or anything else that has to survive a loss of power.
   * @returns when it is on the disk
   * @throws as `record` does
   */
  async recordOnDisk(fields: EventFields, shared?: string): Promise<void> {
    await this.record(fields, shared);
    const intent = fields.detail?.intent;
    if (intent !== undefined) this.#spool.intents.concluded(intent);
    await this.#spool.synced();
  }

  /**
   * Records that something is about to be done. Where this process ends before it has recorded how that ended, with `recordOnDisk`, the
   * next one says that nobody knows.
   * @param fields what is about to be done; `detail.intent_of` is the type of the event to come
   * @returns when it is in the kernel
   * @throws as `record` does
   */
  async intend(fields: EventFields, shared?: string): Promise<Intent> {
    if (!this.#spool.takes()) this.#count(fields);
    const { tenant, emitter } = this.#options;
    const { epoch, intents } = this.#spool;
    let id = '';
    let line = '';
    await this.#spool.append((sequence, recordedAtMs) => {
      id = `${emitter}/${epoch}/${sequence}`;
      const open = renderOpenEvent(fields, { tenant, emitter, epoch, sequence, recordedAtMs }, shared);
      line = `${open}}`;
      return open;
    });
    intents.opened(id, line);
    return { id, onDisk: this.#spool.synced() };
  }

  /** Whether new work may be taken. False near the cap and while the disk refuses writes: refuse with `audit_unavailable`. */
  accepting(): boolean {
    return this.#spool.accepting();
  }

  /** Events that this process could not record, by type; each of them is counted by the event `audit.shed` that follows. */
  unrecorded(): ReadonlyMap<string, number> {
    return this.#unrecorded.totals();
  }

  /** How far each boot is of which events were recorded, or forwarded, since this one began; the own one among them. */
  progress(): AuditProgress[] {
    const { epoch, writtenSequence } = this.#spool;
    const { confirmed } = this.#forwarder;
    const former = [...confirmed].flatMap(([boot, forwarded]) =>
      boot === epoch ? [] : [{ epoch: boot, written: forwarded, forwarded }],
    );
    return [...former, { epoch, written: writtenSequence, forwarded: confirmed.get(epoch) ?? 0 }];
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

  #count(event: UnrecordedEvent): void {
    if (event.type === 'audit.shed') return;
    this.#unrecorded.count(event);
    this.#tellSoon();
  }

  /** What had been taken, and then could not be written. */
  #lost(records: readonly string[]): void {
    for (const record of records) this.#count(JSON.parse(record.slice(record.indexOf('{'))) as UnrecordedEvent);
  }

  #tellSoon(): void {
    this.#telling ??= this.#tell().finally(() => (this.#telling = undefined));
  }

  /** Says, as soon as events are taken again, how many of which were not. */
  async #tell(): Promise<void> {
    for (; !this.#closing.signal.aborted; await this.#pause()) {
      const pending = this.#unrecorded.pending();
      if (pending === undefined) return;
      if (!this.#spool.accepting()) continue;
      const { clock, log } = this.#options;
      const events = Object.values(pending.counts).reduce((sum, count) => sum + count, 0);
      const times = { since: new Date(pending.sinceMs).toISOString(), until: new Date(clock.now()).toISOString() };
      const counts = Object.fromEntries(Object.entries(pending.counts).map(([name, count]) => [name, String(count)]));
      try {
        await this.record({
          type: 'audit.shed',
          outcome: 'error',
          origin: 'gateway',
          detail: { ...times, events: String(events), ...counts },
        });
      } catch (error) {
        if (error instanceof SpoolFull) continue;
        throw error;
      }
      this.#unrecorded.told(pending);
      log.error('events could not be recorded; audit.shed says how many of which', { count: events });
    }
  }

  async #pause(): Promise<void> {
    await delay(retryMs, undefined, { signal: this.#closing.signal, ref: false }).catch(() => undefined);
  }

  async #conclude(orphans: readonly string[]): Promise<void> {
    if (orphans.length > 0) this.#options.log.warn('calls were cut off when the process ended', { count: orphans.length });
    for (let done = 0; done < orphans.length;) {
      try {
        await this.recordOnDisk(unknownOutcome(orphans[done]!));
        done += 1;
      } catch (error) {
        if (!(error instanceof SpoolFull)) throw error;
        // They stay open for the next boot.
        if (this.#closing.signal.aborted) return;
        await this.#pause();
      }
    }
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([this.#concluding, this.#telling]);
    this.#spool.flush();
    const limit = new AbortController();
    const limitMs = this.#options.drainLimitMs ?? defaultDrainLimitMs;
    const timeUp = delay(limitMs, undefined, { signal: limit.signal }).catch(() => undefined);
    await Promise.all([Promise.race([this.#forwarder.drained(), timeUp]), this.payloads.close(timeUp)]);
    limit.abort();
    await this.#forwarder.stop();
    this.#spool.close();
    this.#unrecorded.close();
  }
}
