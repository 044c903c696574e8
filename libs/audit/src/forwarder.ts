import { EVENTS_STREAM, eventsSubject, type StreamDefinition } from '@switchyard/contracts';
import type { Bus } from '@switchyard/messaging';
import type { Logger } from '@switchyard/telemetry';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { SpoolPosition } from './segment.js';
import { SpoolReader, type SpoolBatch } from './spool-reader.js';
import type { Spool } from './spool.js';

/** What a forwarder is told. */
export interface ForwarderOptions {
  readonly spool: Spool;
  readonly bus: Bus;
  readonly tenant: string;
  readonly emitter: string;
  readonly log: Logger;
  /** Where records go; the stream of events, under this emitter's subject, unless told. */
  readonly to?: { readonly stream: StreamDefinition; readonly subject: string };
  /** Most bytes in a message, 256 KiB unless told. */
  readonly batchBytes?: number;
  /** How long events that do not fill a message wait for others to share it, 100 ms unless told. */
  readonly lingerMs?: number;
}

interface Sent {
  readonly end: SpoolPosition;
  readonly epoch: number;
  readonly last: number;
  isStored: boolean;
}

const inFlightLimit = 16;
const usualBatchBytes = 256 * 1024;
const firstPauseMs = 100;
const longestPauseMs = 5_000;

/** Moves a spool's records to a stream. The spool's cursor follows only what the bus has confirmed. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #to: { readonly stream: StreamDefinition; readonly subject: string };
  readonly #reader: SpoolReader;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  /** Batches on their way, in the order of the spool. */
  readonly #sent: Sent[] = [];
  /** Sequence up to which everything has been confirmed, by epoch. */
  readonly confirmed = new Map<number, number>();
  #changed = Promise.withResolvers<void>();
  #isDraining = false;

  /** Starts forwarding, with what earlier boots left first. */
  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#to = options.to ?? { stream: EVENTS_STREAM, subject: eventsSubject(options.tenant, options.emitter) };
    this.#reader = new SpoolReader(options.spool.backlog, options.log);
    options.spool.onWrite(() => this.#signal());
    this.#running = this.#run();
  }

  /** Resolves when everything that is in the spool has been confirmed; stops waiting for company. */
  async drained(): Promise<void> {
    this.#isDraining = true;
    this.#signal();
    while (this.#options.spool.backlog.depthBytes > 0 && !this.#stopping.signal.aborted) await this.#changed.promise;
  }

  /** Stops; what has not been confirmed stays in the spool. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#signal();
    await this.#running;
    await this.#reader.close();
  }

  async #run(): Promise<void> {
    for (let attempt = 1; !this.#stopping.signal.aborted; attempt++) {
      const changed = this.#changed.promise;
      try {
        const isAllSent = await this.#forwardWhatIsThere();
        attempt = 0;
        if (isAllSent) await changed;
        // What was just written waits for company.
        if (!this.#isDraining) await this.#pause(this.#options.lingerMs ?? 100);
      } catch (error) {
        this.#options.log.error('the audit spool could not be read', { error, attempt });
        await this.#pause(pauseMs(attempt));
      }
    }
  }

  /** @returns false where it stopped behind a batch that events of this boot did not fill: there may be more */
  async #forwardWhatIsThere(): Promise<boolean> {
    const batchBytes = this.#options.batchBytes ?? usualBatchBytes;
    while (!this.#stopping.signal.aborted) {
      const batch = await this.#reader.next(batchBytes);
      if (batch === undefined) return true;
      while (this.#sent.length >= inFlightLimit && !this.#stopping.signal.aborted) await this.#changed.promise;
      this.#send(batch);
      // Under load there is something new at every turn: a message for each would cost more than its events do.
      if (batch.lines.length < batchBytes / 2 && batch.epoch === this.#options.spool.epoch) return false;
      // Calls come between batches.
      await nextTurn();
    }
    return true;
  }

  #send(batch: SpoolBatch): void {
    const sent: Sent = { end: batch.end, epoch: batch.epoch, last: batch.last, isStored: false };
    this.#sent.push(sent);
    void this.#publish(batch).then((isStored) => {
      sent.isStored = isStored;
      this.#releaseStored();
    });
  }

  /** Publishes until it is confirmed, always under the same id. @returns false where forwarding was stopped before that */
  async #publish({ epoch, first, last, lines }: SpoolBatch): Promise<boolean> {
    if (lines.length === 0) return true;
    const { bus, emitter, log } = this.#options;
    const messageId = `${emitter}/${epoch}/${first}-${last}`;
    for (let attempt = 1; !this.#stopping.signal.aborted; attempt++) {
      try {
        await bus.publish(this.#to.stream, this.#to.subject, messageId, lines);
        return true;
      } catch (error) {
        log.warn('events could not be forwarded; they stay in the spool', { error, attempt, bytes: lines.length });
        await this.#pause(pauseMs(attempt));
      }
    }
    return false;
  }

  #releaseStored(): void {
    if (this.#stopping.signal.aborted) return;
    let end: SpoolPosition | undefined;
    for (let first = this.#sent[0]; first?.isStored === true; first = this.#sent[0]) {
      this.#sent.shift();
      end = first.end;
      if (first.last > 0) this.confirmed.set(first.epoch, first.last);
    }
    if (end === undefined) return;
    this.#options.spool.backlog.release(end);
    this.#signal();
  }

  #signal(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }
}

/** Grows to 5 s, and differs between processes that failed together. */
function pauseMs(attempt: number): number {
  return Math.min(firstPauseMs * 2 ** (attempt - 1), longestPauseMs) * (0.5 + Math.random() / 2);
}
