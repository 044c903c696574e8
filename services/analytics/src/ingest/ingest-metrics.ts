import type { Telemetry } from '@switchyard/telemetry';
import { DEAD_REASONS, type DeadLetter } from './dead-letter.js';

/** One stored batch, as it is counted. */
export interface BatchFigures {
  readonly rows: number;
  readonly deadLetters: readonly DeadLetter[];
  /** Time that storing took. */
  readonly durationMs: number;
  /** Time from the first event's occurrence until it was stored. */
  readonly delayMs: number | undefined;
}

/** Figures of ingestion. */
export class IngestMetrics {
  readonly #meter: Telemetry['meter'];
  readonly #rows;
  readonly #deadLetters;
  readonly #insert;
  readonly #delay;

  constructor(meter: Telemetry['meter']) {
    this.#meter = meter;
    this.#rows = meter.createCounter('switchyard_ingested_events', { description: 'Events stored, counting repetitions' });
    this.#deadLetters = meter.createCounter('switchyard_dead_letters', {
      description: 'Lines of the stream that are no events, by reason',
    });
    // From 0 on: what begins with its first count has not increased.
    for (const reason of DEAD_REASONS) this.#deadLetters.add(0, { reason });
    this.#insert = meter.createHistogram('switchyard_ingest_duration', { description: 'Time to store a batch', unit: 'ms' });
    this.#delay = meter.createHistogram('switchyard_ingest_delay', {
      description: 'Time from the first event of a batch until it was stored',
      unit: 'ms',
    });
  }

  stored({ rows, deadLetters, durationMs, delayMs }: BatchFigures): void {
    this.#rows.add(rows);
    for (const { reason } of deadLetters) this.#deadLetters.add(1, { reason });
    this.#insert.record(durationMs);
    if (delayMs !== undefined) this.#delay.record(delayMs);
  }

  /** Shows how long nothing could be stored. */
  observeStalled(stalledMs: () => number): void {
    const gauge = this.#meter.createObservableGauge('switchyard_ingest_stalled', {
      description: 'How long nothing could be stored; 0 while all is well',
      unit: 'ms',
    });
    gauge.addCallback((result) => result.observe(stalledMs()));
  }
}
