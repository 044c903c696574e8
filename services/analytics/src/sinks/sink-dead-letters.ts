import { createHash } from 'node:crypto';
import type { Engine } from '../engine/engine.js';
import type { Refused } from './deliver-all.js';

const TEXT_LIMIT = 64 * 1024;

/** Events that sinks refused for good, in the database. */
export class SinkDeadLetters {
  readonly #engine: Engine;
  readonly #tenant: string;

  constructor(engine: Engine, tenant: string) {
    this.#engine = engine;
    this.#tenant = tenant;
  }

  /** Keeps them; the same one again changes nothing. @returns when they are on the disk @throws EngineError */
  async add(sink: string, refused: readonly Refused[]): Promise<void> {
    const rows = refused.map(({ item, reason }) =>
      JSON.stringify({
        tenant: this.#tenant,
        sink,
        event_id: item.id,
        reason: reason.slice(0, 2_000).toWellFormed(),
        event: JSON.stringify(item.event).toWellFormed(),
        text: item.text.slice(0, TEXT_LIMIT).toWellFormed(),
      }),
    );
    const lines = Buffer.from(rows.map((row) => `${row}\n`).join(''));
    const token = createHash('sha256').update(lines).digest('hex');
    await this.#engine.insertLines('sink_dead_letters', lines, `sink-dead-letters-${token}`);
  }
}
