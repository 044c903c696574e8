import type { Engine } from '../engine/engine.js';

/** One emitter's one boot. */
export interface Epoch {
  readonly emitter: string;
  readonly epoch: number;
}

/** What the links of an epoch are filed under. */
export const chainOf = ({ emitter, epoch }: Epoch) => `${emitter}/${epoch}`;

/** @param chain as `chainOf` writes it; emitters may have slashes in their names */
export function epochOf(chain: string): Epoch {
  const slash = chain.lastIndexOf('/');
  return { emitter: chain.slice(0, slash), epoch: Number(chain.slice(slash + 1)) };
}

const PAGE_LINES = 5_000;

const LINES = `SELECT line, toUInt32(sequence) AS place FROM event_lines
  WHERE tenant = {tenant:String} AND emitter = {emitter:String} AND epoch = {epoch:UInt64}
    AND sequence > {after:UInt64} AND sequence <= {last:UInt64}
  ORDER BY sequence LIMIT 1 BY sequence LIMIT ${PAGE_LINES}`;

const FRESH = `SELECT DISTINCT emitter, toUInt64(epoch) AS epoch FROM event_lines
  WHERE tenant = {tenant:String} AND epoch > 0 AND stored_at >= fromUnixTimestamp({since:UInt32})`;

/** The exact lines of one tenant's trail. */
export class TrailLines {
  readonly #engine: Pick<Engine, 'query'>;
  readonly #tenant: string;

  constructor(engine: Pick<Engine, 'query'>, tenant: string) {
    this.#engine = engine;
    this.#tenant = tenant;
  }

  /** What time it is for the database, milliseconds since 1970: that is what `storedSince` goes by. @throws EngineError */
  async now(): Promise<number> {
    const [row] = (await this.#engine.query('SELECT toUnixTimestamp64Milli(now64(3)) AS now')) as { now: string | number }[];
    return Number(row?.now);
  }

  /** Epochs of which something was stored since a time. @throws EngineError */
  async storedSince(sinceMs: number): Promise<Epoch[]> {
    const since = Math.max(0, Math.floor(sinceMs / 1_000));
    const rows = (await this.#engine.query(FRESH, { tenant: this.#tenant, since })) as { emitter: string; epoch: string }[];
    return rows.map(({ emitter, epoch }) => ({ emitter, epoch: Number(epoch) }));
  }

  /** Lines of an epoch in order, read page by page. @param last sequence of the last one @throws EngineError */
  async *of({ emitter, epoch }: Epoch, after: number, last = Number.MAX_SAFE_INTEGER): AsyncGenerator<string, void> {
    let place = after;
    for (;;) {
      const rows = (await this.#engine.query(LINES, {
        tenant: this.#tenant,
        emitter,
        epoch,
        after: place,
        last,
      })) as { line: string; place: number }[];
      for (const { line } of rows) yield line;
      if (rows.length < PAGE_LINES) return;
      place = rows.at(-1)!.place;
    }
  }
}
