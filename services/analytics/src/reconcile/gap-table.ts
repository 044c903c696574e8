import type { Clock } from '@switchyard/runtime';
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Engine } from '../engine/engine.js';
import type { Range } from './ranges.js';

/** Sequences that should be there and are not. */
export interface Gap extends Range {
  readonly emitter: string;
  readonly epoch: number;
  /** Milliseconds since 1970. */
  readonly foundAtMs: number;
}

const decimal = z.coerce.number();
const gapRow = z.object({ emitter: z.string(), epoch: decimal, first: decimal, last: decimal, found_ms: decimal });

/** The gaps that are known, in `audit_gaps`. */
export class GapTable {
  readonly #engine: Engine;
  readonly #clock: Clock;

  constructor(engine: Engine, clock: Clock) {
    this.#engine = engine;
    this.#clock = clock;
  }

  /** @throws EngineError */
  async open(): Promise<Gap[]> {
    const rows = await this.#engine.query(
      `SELECT emitter, epoch, first, last, toUnixTimestamp64Milli(found_at) AS found_ms
       FROM audit_gaps FINAL
       WHERE closed_at = toDateTime64(0, 3, 'UTC')
       ORDER BY emitter, epoch, first`,
    );
    return rows.map((row) => {
      const { found_ms: foundAtMs, ...gap } = gapRow.parse(row);
      return { ...gap, foundAtMs };
    });
  }

  /** @throws EngineError */
  found(gaps: readonly Gap[]): Promise<void> {
    return this.#write(gaps, () => 0);
  }

  /** @throws EngineError */
  closed(gaps: readonly Gap[]): Promise<void> {
    return this.#write(gaps, (nowMs) => nowMs);
  }

  async #write(gaps: readonly Gap[], closedAtMs: (nowMs: number) => number): Promise<void> {
    if (gaps.length === 0) return;
    const nowMs = this.#clock.now();
    const time = (ms: number) => new Date(ms).toISOString();
    const rows = gaps.map(({ emitter, epoch, first, last, foundAtMs }) => ({
      ...{ emitter, epoch: String(epoch), first: String(first), last: String(last) },
      ...{ found_at: time(foundAtMs), closed_at: time(closedAtMs(nowMs)), version: String(nowMs) },
    }));
    const lines = Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    await this.#engine.insertLines('audit_gaps', lines, createHash('sha256').update(lines).digest('hex'));
  }
}
