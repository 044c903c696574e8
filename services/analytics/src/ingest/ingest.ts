import { EVENTS_INGEST_CONSUMER, EVENTS_STREAM } from '@switchyard/contracts';
import type { Bus, Consumption, StreamMessage } from '@switchyard/messaging';
import type { Clock } from '@switchyard/runtime';
import type { Logger } from '@switchyard/telemetry';
import type { Engine } from '../engine/engine.js';
import type { IngestMetrics } from './ingest-metrics.js';
import { occurredAt } from './message-lines.js';
import type { StoredRuns } from '../checkpoints/stored-runs.js';
import { storeBatch } from './store-batch.js';

/** What ingestion stands on. */
export interface IngestDeps {
  readonly bus: Bus;
  readonly engine: Engine;
  readonly metrics: IngestMetrics;
  /** Told of what the database has taken. */
  readonly runs: StoredRuns;
  readonly clock: Clock;
  readonly log: Logger;
}

// About 40,000 events under load, which cost three quarters each of what they do by 10,000 (measured); what comes slowly waits for
// company as long as this. An event can be queried within a second: 0.1 s in the emitter's spool, this wait, and the insert.
// While the database stores one batch, the next is fetched and begun: it has two cores as well.
const batch = { batchMessages: 1_000, batchBytes: 32 * 1024 ** 2, batchWaitMs: 400, batchesAtOnce: 2 };

/** Moves events from the stream into the database. A batch is acknowledged when all of it is on the disk. */
export class Ingest {
  readonly #deps: IngestDeps;
  #consumption: Consumption | undefined;
  #failingSinceMs: number | undefined;

  private constructor(deps: IngestDeps) {
    this.#deps = deps;
  }

  /** @throws BusUnavailable */
  static async start(deps: IngestDeps): Promise<Ingest> {
    const ingest = new Ingest(deps);
    ingest.#consumption = await deps.bus.consume({
      ...batch,
      stream: EVENTS_STREAM,
      durable: EVENTS_INGEST_CONSUMER,
      handle: (messages) => ingest.#store(messages),
      onError: (error) => ingest.#failed(error),
    });
    deps.metrics.observeStalled(() => ingest.stalledMs());
    return ingest;
  }

  /** How long nothing could be stored, milliseconds; 0 while all is well. */
  stalledMs(): number {
    return this.#failingSinceMs === undefined ? 0 : this.#deps.clock.now() - this.#failingSinceMs;
  }

  /** Finishes the batch in hand. Idempotent. */
  async close(): Promise<void> {
    await this.#consumption?.close();
  }

  async #store(messages: readonly StreamMessage[]): Promise<void> {
    const { engine, metrics, runs, clock, log } = this.#deps;
    const startedAtMicros = clock.monotonicMicros();
    const { rows, deadLetters } = await storeBatch(engine, messages);
    const durationMs = (clock.monotonicMicros() - startedAtMicros) / 1000;
    if (deadLetters.length === 0) runs.add(messages);
    metrics.stored({ rows, deadLetters, durationMs, delayMs: delayMs(messages, clock) });
    this.#failingSinceMs = undefined;
    for (const { line, reason, error } of deadLetters) {
      const { sequence } = line.message;
      log.error('a line of the events stream is no event; it was put into dead_letters', {
        reason,
        sequence: Number(sequence),
        error,
      });
    }
  }

  #failed(error: unknown): void {
    this.#failingSinceMs ??= this.#deps.clock.now();
    this.#deps.log.warn('events could not be stored; they stay in the stream', { error, age_ms: this.stalledMs() });
  }
}

/** Time between the first event of a batch and now; undefined where the first line does not say. */
function delayMs([first]: readonly StreamMessage[], clock: Clock): number | undefined {
  const atMs = Date.parse((first && occurredAt(first)) ?? '');
  return Number.isNaN(atMs) ? undefined : Math.max(0, clock.now() - atMs);
}
