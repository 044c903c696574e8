import type { Audit, CheckpointKey } from '@switchyard/audit';
import type { RetainedTableView } from '@switchyard/contracts';
import type { KvStore } from '@switchyard/state';
import type { Logger } from '@switchyard/telemetry';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Engine } from '../engine/engine.js';
import type { DeliveredThrough } from '../sinks/delivered-through.js';
import { deleteRows, forgetNames, untilDeleted } from './delete-rows.js';
import type { Gate } from './gate.js';
import { readLineRanges } from './line-ranges.js';
import { RETAINED_TABLES, type RetainedTable } from './retained-tables.js';
import type { RetentionRecords } from './retention-records.js';
import { planTable, type PlanRules, type TablePlan } from './table-plan.js';

/** What deleting stands on. */
export interface PassDeps {
  readonly engine: Engine;
  readonly tenant: string;
  /** The bucket `retention`. */
  readonly kv: KvStore;
  readonly gate: Gate;
  readonly records: RetentionRecords;
  readonly key: CheckpointKey;
  /** Number of the newest checkpoint that is where checkpoints are copied to. */
  readonly copiedThrough: () => Promise<number>;
  /** Until when each sink has been sent everything. */
  readonly sinks: () => Promise<readonly DeliveredThrough[]>;
  readonly audit: Pick<Audit, 'record'>;
  /** What time it is for the database, whose clock rows arrive by. */
  readonly now: () => Promise<number>;
  readonly log: Logger;
}

/** In days, by key of `audit.retention`; 0: for good. */
export type RetentionDays = Readonly<Record<string, number>>;

const DAY_MS = 86_400_000;
/** Sinks say what they have been sent by the clock of analytics, rows arrive by that of the database. */
const CLOCKS_MS = 3_600_000;
const INTENT = 'intent';

const intentSchema = z.object({
  id: z.string(),
  name: z.string(),
  table: z.string(),
  rows: z.number(),
  detail: z.record(z.string(), z.string()),
  condition: z.object({ text: z.string(), params: z.record(z.string(), z.union([z.string(), z.number()])) }),
});

/** A deletion that was told of before it was made. */
type Intent = z.output<typeof intentSchema>;

/** Deletes what is older than its retention, and what nothing else keeps. One process at a time does. */
export class RetentionPass {
  readonly #deps: PassDeps;

  constructor(deps: PassDeps) {
    this.#deps = deps;
  }

  /**
   * Tells how a deletion ended whose process ended before it could. What is left of it, the next pass deletes.
   * @throws EngineError, StateUnavailable
   */
  async settle(signal: AbortSignal): Promise<void> {
    const { gate, engine, kv } = this.#deps;
    const { deleting } = await gate.read();
    if (deleting === undefined) return;
    const entry = await kv.get(INTENT);
    const intent = entry && intentSchema.parse(JSON.parse(Buffer.from(entry.value).toString()));
    if (intent?.id === deleting.id) {
      await untilDeleted(engine, intent.table, signal);
      const [row] = await engine.query(
        `SELECT count() AS rows FROM ${intent.table} WHERE ${intent.condition.text}`,
        intent.condition.params,
      );
      const left = z.object({ rows: z.coerce.number() }).parse(row).rows;
      await this.#told(intent, { rows: Math.max(0, intent.rows - left), left, dropped: 0, resumed: true });
    }
    await gate.endDeleting(deleting.id);
  }

  /** One pass over every table. @returns how it was @throws EngineError, StateUnavailable */
  async run(days: RetentionDays, signal: AbortSignal, tables = RETAINED_TABLES): Promise<RetainedTableView[]> {
    await this.settle(signal);
    const views: RetainedTableView[] = [];
    for (const table of tables) {
      if (signal.aborted) break;
      views.push(await this.#table(table, days[table.keptFor] ?? 0, signal));
    }
    return views;
  }

  async #table(table: RetainedTable, days: number, signal: AbortSignal): Promise<RetainedTableView> {
    if (days === 0) return { table: table.name, days, deleted: 0, kept: [] };
    const { engine, gate } = this.#deps;
    const rules = await this.#rules(days);
    const view = { table: table.name, days, cut: new Date(rules.cutMs).toISOString() };
    const { holds } = await gate.read();
    const plan = await planTable(engine, table, { ...rules, holds });
    if (plan.rows === 0) return { ...view, deleted: 0, kept: [...plan.kept] };
    const id = randomUUID();
    const { cutMs } = rules;
    const begun = await gate.beginDeleting({ id, name: table.name, cutMs, startedAtMs: await this.#deps.now() });
    if ('refused' in begun)
      return { ...view, deleted: 0, kept: [...plan.kept, { reason: 'export_running', rows: plan.rows, detail: '' }] };
    // With the holds that are there now: one that was set meanwhile is kept to.
    const decided = await planTable(engine, table, { ...rules, holds: begun.holds });
    if (decided.rows > 0) await this.#delete(table, { id, days, rules, plan: decided }, signal);
    await gate.endDeleting(id);
    return { ...view, deleted: decided.rows, kept: [...decided.kept] };
  }

  async #rules(days: number): Promise<Omit<PlanRules, 'holds'>> {
    const { tenant, key, copiedThrough, sinks, now } = this.#deps;
    const behind = (await sinks())
      .map(({ sink, throughMs = CLOCKS_MS }) => ({ sink, throughMs: throughMs - CLOCKS_MS }))
      .sort((one, other) => one.throughMs - other.throughMs);
    return { tenant, key, cutMs: (await now()) - days * DAY_MS, sinks: behind[0], copiedThrough: await copiedThrough() };
  }

  async #delete(table: RetainedTable, { id, days, rules, plan }: Decided, signal: AbortSignal): Promise<void> {
    const { engine, tenant, kv } = this.#deps;
    const cut = new Date(rules.cutMs).toISOString();
    const records = table.isChained ? await this.#record(id, cut, plan) : 0;
    const intent: Intent = {
      id,
      name: table.name,
      table: table.table,
      rows: plan.rows,
      detail: {
        ...{ id, table: table.name, cut, days: String(days) },
        ...(table.isChained && { checkpoint: String(plan.checkpoint) }),
      },
      condition: { text: plan.going.text, params: plan.going.params },
    };
    await kv.put(INTENT, Buffer.from(JSON.stringify(intent)));
    await this.#tell('audit.retention_intended', 'pending', {
      ...intent.detail,
      rows: String(plan.rows),
      records: String(records),
    });
    const dropped = await deleteRows(engine, table.table, plan, signal);
    if (table.table === 'events') await forgetNames(engine, tenant, signal);
    await this.#told(intent, { rows: plan.rows, left: 0, dropped, resumed: false });
  }

  /** Signs which lines go. @returns how many records it took */
  async #record(id: string, cut: string, plan: TablePlan): Promise<number> {
    const { engine, records } = this.#deps;
    const earlier = new Map(
      (await records.all()).flatMap(({ record }) =>
        Object.entries(record.ranges).flatMap(([chain, ranges]) =>
          ranges.map(([, last, , link]): [string, string] => [`${chain}/${last}`, link]),
        ),
      ),
    );
    const ranges = await readLineRanges(engine, plan.going, (chain, last) => earlier.get(`${chain}/${last}`));
    return records.keep({ id, at: new Date(await this.#deps.now()).toISOString(), cut }, ranges);
  }

  async #told(
    { detail, name }: Intent,
    { rows, left, dropped, resumed }: { rows: number; left: number; dropped: number; resumed: boolean },
  ): Promise<void> {
    const said = { ...detail, rows: String(rows), partitions: String(dropped), ...(resumed && { resumed: 'true' }) };
    this.#deps.log.info('retention has deleted rows', { name, count: rows });
    if (left === 0) await this.#tell('audit.retention_deleted', 'ok', said);
    else await this.#tell('audit.retention_deleted', 'error', said, 'interrupted');
  }

  async #tell(
    type: 'audit.retention_intended' | 'audit.retention_deleted',
    outcome: 'ok' | 'error' | 'pending',
    detail: Record<string, string>,
    reason = '',
  ): Promise<void> {
    const { audit, tenant } = this.#deps;
    await audit.record({ type, outcome, tenant, detail, ...(reason !== '' && { reason }) });
  }
}

interface Decided {
  readonly id: string;
  readonly days: number;
  readonly rules: Omit<PlanRules, 'holds'>;
  readonly plan: TablePlan;
}
