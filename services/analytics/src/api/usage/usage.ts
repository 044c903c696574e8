import type { CostAnswer, CostQuery, UsageAnswer, UsageQuery, UsageRow, UsageTop, UsageTopQuery } from '@switchyard/contracts';
import { ROLLUPS, type Rollup } from '../../usage/rollup.js';
import type { LimitedReads } from '../limited-reads.js';
import type { ReadScope } from '../read-scope.js';
import { columnsOf, hasColumns } from './usage-columns.js';
import { UNCOUNTED_LIMIT, uncountedSql, type UncountedRow } from './uncounted-sql.js';
import { planUsage, type Countable } from './usage-plan.js';
import { usageRange } from './usage-range.js';
import { usageRow } from './usage-row.js';
import { usageSql, type UsageParts, type UsageSqlRow, type UsageWanted } from './usage-sql.js';

const SHORTER_THAN_A_DAY: ReadonlySet<string | undefined> = new Set(['minute', 'hour']);

const SECONDS_OF_AN_HOUR = 3_600;
const COST_COUNTS = ['events', 'cost_micros'];

/** Figures of one tenant's calls. Exact, however often events were delivered. */
export class Usage {
  readonly #reads: LimitedReads;
  readonly #tenant: string;
  readonly #clock: { now(): number };

  constructor(reads: LimitedReads, tenant: string, clock: { now(): number }) {
    this.#reads = reads;
    this.#tenant = tenant;
    this.#clock = clock;
  }

  /** Figures by group and interval. @throws Problem where the question cannot be read, or asks for more than a limit */
  async figures(scope: ReadScope, { group_by: groupBy = [], interval, ...filters }: UsageQuery): Promise<UsageAnswer> {
    const range = usageRange({ ...filters, interval }, this.#clock.now());
    return { ...range, rows: await this.#rows({ scope, filters: { ...filters, ...range }, groupBy, interval }) };
  }

  /** The first by a measure. @throws Problem as `figures` does */
  async top(scope: ReadScope, { by, measure, limit, ...filters }: UsageTopQuery): Promise<UsageTop> {
    const range = usageRange(filters, this.#clock.now());
    const top = { measure, limit };
    return { ...range, rows: await this.#rows({ scope, filters: { ...filters, ...range }, groupBy: [by], top }) };
  }

  /** Cost by month and team. @throws Problem as `figures` does */
  async cost(scope: ReadScope, query: CostQuery): Promise<CostAnswer> {
    const range = usageRange(monthsOf(query, this.#clock.now()), this.#clock.now());
    const filters = { ...range, ...(query.team === undefined ? {} : { team: query.team }) };
    const [whole, teams] = await Promise.all([
      this.#rows({ scope, filters, groupBy: [], interval: 'month', counts: COST_COUNTS }),
      this.#rows({ scope, filters, groupBy: ['team'], interval: 'month', counts: COST_COUNTS }),
    ]);
    return { months: whole.map((month) => monthOf(month, teams, query.team)) };
  }

  async #rows(wanted: Omit<UsageWanted, 'tenant'>): Promise<UsageRow[]> {
    const rows = await this.#reads.rows(usageSql({ ...wanted, tenant: this.#tenant }, await this.#plan(wanted)));
    return (rows as readonly UsageSqlRow[]).map((row) => usageRow(row, wanted.groupBy));
  }

  /** Counts where they can answer and have everything, else events: the answer is the same. */
  async #plan(wanted: Omit<UsageWanted, 'tenant'>): Promise<UsageParts> {
    const { from, to } = wanted.filters;
    const whole = { fromMs: Date.parse(from ?? ''), toMs: Date.parse(to ?? '') };
    const columns = columnsOf(wanted);
    const longest = SHORTER_THAN_A_DAY.has(wanted.interval) ? SECONDS_OF_AN_HOUR : Infinity;
    const rollups = ROLLUPS.filter((rollup) => rollup.bucketSeconds <= longest && hasColumns(rollup, columns));
    if (rollups.length === 0) return { counted: [], events: [whole] };
    const marked = (await this.#reads.rows(uncountedSql(this.#tenant, whole, rollups))) as readonly UncountedRow[];
    const tables = rollups.map((rollup) => ({ rollup, ...countable(rollup, marked) }));
    const usable = tables.filter(({ uncounted }) => uncounted.size < UNCOUNTED_LIMIT);
    const { counted, events } = planUsage(whole, usable);
    return { counted: usable.map(({ rollup }, index) => ({ rollup, spans: counted[index] ?? [] })), events };
  }
}

function countable({ table, bucketSeconds }: Rollup, marked: readonly UncountedRow[]): Countable {
  const starts = marked.filter(({ rollup }) => rollup === table).map(({ at }) => Number(at) * 1000);
  return { bucketMs: bucketSeconds * 1000, uncounted: new Set(starts) };
}

/** From the beginning of the first month to the end of the last. */
function monthsOf({ from, to }: CostQuery, nowMs: number): { readonly from: string; readonly to: string } {
  const thisMonth = new Date(nowMs).toISOString().slice(0, 7);
  const last = to ?? (from !== undefined && from > thisMonth ? from : thisMonth);
  const end = new Date(`${last}-01T00:00:00Z`);
  end.setUTCMonth(end.getUTCMonth() + 1);
  return { from: `${from ?? last}-01T00:00:00.000Z`, to: end.toISOString() };
}

function monthOf(month: UsageRow, all: readonly UsageRow[], only: string | undefined): CostAnswer['months'][number] {
  const teams = all
    .filter(({ at, group }) => at === month.at && (only === undefined || group.team === only))
    .map(({ group, calls, cost_micros }) => ({ team: group.team ?? '', calls, cost_micros }))
    .sort((a, b) => b.cost_micros - a.cost_micros || b.calls - a.calls);
  return { month: (month.at ?? '').slice(0, 7), calls: month.calls, cost_micros: month.cost_micros, teams };
}
