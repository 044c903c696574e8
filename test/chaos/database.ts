import type { Evidence, RowCounts } from './evidence.js';

const CALLS = "type IN ('tool.called', 'policy.denied')";

const COUNTS: Readonly<Record<keyof RowCounts, string>> = {
  inserted: 'SELECT count() FROM switchyard.events',
  read: 'SELECT count() FROM switchyard.events FINAL',
  distinct: 'SELECT uniqExact(event_id) FROM switchyard.events',
  sequences: `SELECT sum(bitmapCardinality(seen)) FROM (SELECT groupBitmapMergeState(seen) AS seen
    FROM switchyard.event_sequences WHERE emitter != 'analytics' GROUP BY emitter, epoch, part)`,
  ofSequences: "SELECT uniqExact(event_id) FROM switchyard.events WHERE emitter != 'analytics'",
  counted: `SELECT sum(events) FROM switchyard.usage_minutes FINAL WHERE ${CALLS}`,
  ofCounted: `SELECT uniqExact(event_id) FROM switchyard.events WHERE ${CALLS}`,
};

/** What the database of a gateway says of itself. */
export class Database {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async rows(): Promise<RowCounts> {
    const numbers = Object.entries(COUNTS).map(async ([name, sql]) => [name, await this.#number(sql)] as const);
    return Object.fromEntries(await Promise.all(numbers)) as unknown as RowCounts;
  }

  /** The greatest sequence of each boot, by `<emitter>/<epoch>`. */
  async greatest(): Promise<Map<string, number>> {
    const rows = await this.#query('SELECT emitter, epoch, max(sequence) AS last FROM switchyard.events GROUP BY emitter, epoch');
    return new Map(rows.map(({ emitter, epoch, last }) => [`${emitter}/${epoch}`, Number(last)]));
  }

  async openGaps(): Promise<Evidence['openGaps']> {
    const rows = await this.#query(
      "SELECT emitter, epoch, first, last FROM switchyard.audit_gaps FINAL WHERE closed_at = toDateTime64(0, 3, 'UTC')",
    );
    return rows.map(({ emitter, epoch, first, last }) => ({
      emitter: String(emitter),
      ...{ epoch: Number(epoch), first: Number(first), last: Number(last) },
    }));
  }

  async #number(sql: string): Promise<number> {
    const [row] = await this.#query(sql);
    return Number(Object.values(row ?? {})[0]);
  }

  async #query(sql: string): Promise<Record<string, string | number>[]> {
    const response = await fetch(this.#url, { method: 'POST', body: `${sql} FORMAT JSONEachRow` });
    const text = await response.text();
    if (!response.ok) throw new Error(`${sql}: ${text}`);
    const lines = text.split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as Record<string, string | number>);
  }
}
