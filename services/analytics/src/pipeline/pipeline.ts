import { Problem } from '@switchyard/admin-api';
import {
  EVENTS_INGEST_CONSUMER,
  EVENTS_STREAM,
  type GapList,
  type GapsQuery,
  type PipelineFault,
  type PipelineHealth,
  type PipelineProblem,
} from '@switchyard/contracts';
import { BusUnavailable, type Bus } from '@switchyard/messaging';
import type { Clock } from '@switchyard/runtime';
import { StateUnavailable, type KvStore } from '@switchyard/state';
import type { LimitedReads, Sql } from '../api/limited-reads.js';
import type { Checkpoints } from '../checkpoints/checkpoints.js';
import type { Ingest } from '../ingest/ingest.js';
import type { Retention } from '../retention/retention.js';
import type { Sinks } from '../sinks/sinks.js';
import { emittersHealth } from './emitters-health.js';
import { problemOf, problemsOf, type PipelineParts } from './pipeline-problems.js';
import { DEAD_LETTERS, delaysSql, firstEventBehindSql, gapsSql, OPEN_GAPS, sinkDeadLettersSql, STORED } from './pipeline-sql.js';

/** What is asked how the pipeline is. */
export interface PipelineDeps {
  readonly reads: LimitedReads;
  readonly bus: Pick<Bus, 'waiting'>;
  /** The bucket `emitters`. */
  readonly emitters: KvStore;
  readonly sinks: Pick<Sinks, 'list'>;
  readonly checkpoints: Pick<Checkpoints, 'latest' | 'intervalMs'>;
  readonly ingest: Pick<Ingest, 'stalledMs'>;
  readonly retention: Pick<Retention, 'view'>;
  readonly tenant: string;
  readonly clock: Clock;
}

type Row = Readonly<Record<string, string>>;

/** Checkpoints are late by then, whatever their interval is, milliseconds. */
const LEAST_CHECKPOINT_LIMIT_MS = 5 * 60_000;
const NO_TIME = '1970-01-01T00:00:00.000Z';

const AWAY: readonly (readonly [PipelineFault, string, (error: unknown) => boolean])[] = [
  ['database_away', 'The database does not answer', (error) => error instanceof Problem],
  ['state_away', 'The state cannot be reached', (error) => error instanceof StateUnavailable],
  ['bus_away', 'The stream of events cannot be reached', (error) => error instanceof BusUnavailable],
];

/** How events get from where they are recorded to the database and the sinks. */
export class Pipeline {
  readonly #deps: PipelineDeps;

  constructor(deps: PipelineDeps) {
    this.#deps = deps;
  }

  /** Asks every part; one that does not answer is left out, and is a problem. */
  async health(): Promise<PipelineHealth> {
    const { clock, checkpoints } = this.#deps;
    const nowMs = clock.now();
    const away = new Map<PipelineFault, PipelineProblem>();
    const ask = <T>(work: Promise<T>) => work.catch((error: unknown) => this.#away(error, away));
    const stored = ask(this.#stored());
    const [emitters, stream, storing, sinks, gaps, checkpoint, deadLetters, retention] = await Promise.all([
      ask(stored.then((known) => emittersHealth(this.#deps.emitters, nowMs, known))),
      ask(this.#stream()),
      ask(this.#storing()),
      ask(this.#sinks(ask)),
      ask(this.#gaps()),
      ask(this.#checkpoint(nowMs)),
      ask(this.#deadLetters()),
      ask(this.#retention()),
    ]);
    const parts: PipelineParts = {
      ...(emitters && { emitters }),
      ...(stream && { stream }),
      ...(storing && { storing }),
      ...(sinks && { sinks }),
      ...(gaps && { gaps }),
      ...(checkpoint && { checkpoint }),
      ...(deadLetters && { dead_letters: deadLetters }),
      ...(retention && { retention }),
    };
    const checkpointLimitMs = Math.max(LEAST_CHECKPOINT_LIMIT_MS, 3 * checkpoints.intervalMs);
    const problems = [...away.values(), ...problemsOf(parts, checkpointLimitMs)];
    return { at: new Date(nowMs).toISOString(), state: problems.length === 0 ? 'ok' : 'wrong', problems, ...parts };
  }

  /** @throws Problem 503 where the database cannot be asked */
  async gaps(query: GapsQuery): Promise<GapList> {
    const rows = await this.#rows(gapsSql(query));
    const gaps = rows.slice(0, query.limit).map((row) => {
      const [first, last] = [numberIn(row, 'first'), numberIn(row, 'last')];
      const closedAt = timeIn(row, 'closed_at');
      return {
        ...{ emitter: row['emitter'] ?? '', epoch: row['epoch'] ?? '', first, last, events: last - first + 1 },
        ...{ found_at: row['found_at'] ?? NO_TIME, ...(closedAt === undefined ? {} : { closed_at: closedAt }) },
      };
    });
    return rows.length > gaps.length ? { gaps, truncated: true } : { gaps };
  }

  #away(error: unknown, away: Map<PipelineFault, PipelineProblem>): undefined {
    const known = AWAY.find(([, , is]) => is(error));
    if (known === undefined) throw error;
    const [fault, what] = known;
    const cause = error instanceof Problem ? `: ${error.details.detail}` : '.';
    away.set(fault, problemOf(fault, '', `${what}${cause}`));
    return undefined;
  }

  async #stored(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#rows(STORED);
    return new Map(rows.map((row) => [`${row['emitter']}/${row['epoch']}`, numberIn(row, 'stored')]));
  }

  async #stream(): Promise<PipelineParts['stream']> {
    return { waiting: await this.#deps.bus.waiting(EVENTS_STREAM, EVENTS_INGEST_CONSUMER) };
  }

  async #storing(): Promise<PipelineParts['storing']> {
    const [row] = (await this.#deps.reads.rows(delaysSql(this.#deps.tenant))) as readonly {
      readonly recent: string;
      readonly delays: readonly string[];
    }[];
    const [p50 = 0, p99 = 0] = (row?.delays ?? []).map(Number);
    const stalled = Math.round(this.#deps.ingest.stalledMs());
    return { stalled_ms: stalled, recent: Number(row?.recent ?? 0), p50_ms: p50, p99_ms: p99 };
  }

  /** Where the database is away, sinks are told of all the same. */
  async #sinks(ask: <T>(work: Promise<T>) => Promise<T | undefined>): Promise<PipelineParts['sinks']> {
    const { sinks, tenant } = this.#deps;
    const list = await sinks.list();
    const rows = list.length === 0 ? [] : await ask(this.#rows(sinkDeadLettersSql(tenant)));
    if (rows === undefined) return list;
    return list.map((sink) => {
      const row = rows.find((one) => one['sink'] === sink.name) ?? {};
      return { ...sink, dead_letters: numberIn(row, 'kept'), recent_dead_letters: numberIn(row, 'recent') };
    });
  }

  async #gaps(): Promise<PipelineParts['gaps']> {
    const [row = {}] = await this.#rows(OPEN_GAPS);
    const oldestAt = timeIn(row, 'oldest_at');
    return {
      open: numberIn(row, 'open'),
      missing: numberIn(row, 'missing'),
      ...(oldestAt === undefined ? {} : { oldest_at: oldestAt }),
    };
  }

  async #checkpoint(nowMs: number): Promise<PipelineParts['checkpoint']> {
    const { checkpoints, tenant } = this.#deps;
    const latest = await checkpoints.latest();
    const atMs = latest === undefined ? 0 : Date.parse(latest.at);
    const [row] = await this.#rows(firstEventBehindSql(tenant, atMs));
    return {
      number: latest?.number ?? 0,
      ...(latest === undefined ? {} : { at: latest.at }),
      age_ms: latest === undefined ? 0 : Math.max(0, nowMs - atMs),
      unsigned_ms: row === undefined ? 0 : Math.max(0, nowMs - numberIn(row, 'at_ms')),
    };
  }

  async #deadLetters(): Promise<PipelineParts['dead_letters']> {
    const rows = await this.#rows(DEAD_LETTERS);
    const sum = (name: string) => rows.reduce((total, row) => total + numberIn(row, name), 0);
    const latest = rows
      .map((row) => row['latest_at'] ?? '')
      .sort()
      .at(-1);
    const recent = rows.filter((row) => numberIn(row, 'recent') > 0);
    return {
      kept: sum('kept'),
      recent: sum('recent'),
      ...(latest === undefined ? {} : { latest_at: latest }),
      reasons: Object.fromEntries(recent.map((row) => [row['reason'] ?? '', numberIn(row, 'recent')])),
    };
  }

  async #retention(): Promise<PipelineParts['retention']> {
    const { at, failure, tables } = await this.#deps.retention.view();
    const kept = tables.flatMap(({ table, kept: rows }) => rows.map((one) => ({ ...one, table })));
    return { ...(at === undefined ? {} : { at }), failure, kept };
  }

  async #rows(sql: Sql): Promise<readonly Row[]> {
    return (await this.#deps.reads.rows(sql)) as readonly Row[];
  }
}

const numberIn = (row: Row, name: string) => Number(row[name] ?? 0);

/** A time that is there. */
function timeIn(row: Row, name: string): string | undefined {
  const text = row[name];
  return text === undefined || text === NO_TIME ? undefined : text;
}
