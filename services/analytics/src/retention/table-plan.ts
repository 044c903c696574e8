import type { CheckpointKey } from '@switchyard/audit';
import type { RetentionRefusal } from '@switchyard/contracts';
import { z } from 'zod';
import { chainOf } from '../checkpoints/trail-lines.js';
import type { Engine } from '../engine/engine.js';
import { heldRows, type Condition, type Hold } from './hold.js';
import type { RetainedTable } from './retained-tables.js';
import { readSealedHeads, UNSEALED, type SealedChain } from './sealed-heads.js';

/** What a plan goes by. */
export interface PlanRules {
  readonly tenant: string;
  /** What arrived before this time is to go, milliseconds since 1970. */
  readonly cutMs: number;
  /** Until when the sink that is furthest behind has been sent everything; undefined where there is no sink. */
  readonly sinks: { readonly sink: string; readonly throughMs: number } | undefined;
  /** Number of the newest checkpoint that is where checkpoints are copied to. */
  readonly copiedThrough: number;
  readonly key: CheckpointKey;
  readonly holds: readonly Hold[];
}

/** Why some rows stay. */
export interface Kept {
  readonly reason: RetentionRefusal;
  readonly rows: number;
  readonly detail: string;
}

/** What is to be deleted from one table. */
export interface TablePlan {
  /** Which rows go. */
  readonly going: Condition;
  readonly rows: number;
  /** Partitions that have such rows; `isWhole` where nothing else is in one, and nothing more can come into it. */
  readonly partitions: readonly { readonly id: string; readonly isWhole: boolean }[];
  readonly kept: readonly Kept[];
  /** Number of the newest checkpoint that lines are deleted up to; 0 for other tables. */
  readonly checkpoint: number;
}

/** More chains than that wait for a later pass. */
const MOST_CHAINS = 2_000;

const number = z.coerce.number();
const chainRow = z.object({ emitter: z.string(), epoch: number, newest: number });
const partitionRow = z.object({ id: z.string(), going: number, held: number, behind: number, unsealed: number, over: number });

const instant = (name: string) => `fromUnixTimestamp64Milli({${name}:Int64}, 'UTC')`;
const CHAIN = "concat(emitter, '/', toString(epoch))";
const upTo = (name: string) =>
  `sequence <= transform(${CHAIN}, JSONExtract({chains:String}, 'Array(String)'), JSONExtract({${name}:String}, 'Array(UInt64)'), toUInt64(0))`;

/** Says which rows of a table go, and which that are as old stay, and why. @throws EngineError */
export async function planTable(engine: Pick<Engine, 'query'>, table: RetainedTable, rules: PlanRules): Promise<TablePlan> {
  const { cutMs, sinks, holds } = rules;
  const scope = scopeOf(table, rules.tenant);
  const held = heldRows(table, holds);
  const archivedMs = table.archived === undefined || sinks === undefined ? cutMs : Math.min(cutMs, sinks.throughMs);
  const chains = table.archived === 'chain' ? await readChains(engine, table, { scope, rules }) : new Map<string, SealedChain>();
  const names = [...chains.keys()];
  const conditions = {
    old: `${table.time} < ${instant('cut')}`,
    archived: `${table.time} < ${instant('archived')}`,
    held: held.text,
    ...sealedRows(table),
  };
  const params = {
    ...scope.params,
    ...held.params,
    cut: cutMs,
    archived: archivedMs,
    ...(table.archived === 'chain' && {
      chains: JSON.stringify(names),
      upto: JSON.stringify([...chains.values()].map((one) => (table.isChained ? one.upTo.sequence : one.sealed.sequence))),
      sealed: JSON.stringify([...chains.values()].map((one) => one.sealed.sequence)),
    }),
  };
  const { old, archived, sealed, ready } = conditions;
  const going = `${scope.text} AND ${archived} AND ${ready} AND NOT ${held.text}`;
  const over =
    table.partition === undefined ? '0' : `${table.partition}(max(${table.time})) < ${table.partition}(${instant('cut')})`;
  const found = await engine.query(
    `SELECT _partition_id AS id, countIf(${archived} AND ${ready} AND NOT ${held.text}) AS going, countIf(${held.text}) AS held,
       countIf(NOT ${held.text} AND NOT ${archived}) AS behind, countIf(NOT ${held.text} AND ${archived} AND NOT ${sealed}) AS unsealed,
       ${over} AS over
     FROM ${table.table} WHERE ${scope.text} AND ${old} GROUP BY id ORDER BY id`,
    params,
  );
  const rows = found.map((row) => partitionRow.parse(row));
  const sum = (key: 'going' | 'held' | 'behind' | 'unsealed') => rows.reduce((total, row) => total + row[key], 0);
  const kept: Kept[] = [
    { reason: 'held', rows: sum('held'), detail: '' },
    { reason: 'sink_behind', rows: sum('behind'), detail: sinks?.sink ?? '' },
    { reason: 'unsealed', rows: sum('unsealed'), detail: '' },
  ];
  return {
    going: { text: going, params },
    rows: sum('going'),
    partitions: await Promise.all(
      rows
        .filter((row) => row.going > 0)
        .map(async (row) => ({ id: row.id, isWhole: row.over > 0 && (await rowsIn(engine, table.table, row.id)) === row.going })),
    ),
    kept: kept.filter((one) => one.rows > 0),
    checkpoint: table.isChained ? Math.max(0, ...[...chains.values()].map((one) => one.checkpoint)) : 0,
  };
}

function scopeOf({ tenants, only }: RetainedTable, tenant: string): Condition {
  const own = { own: 'tenant = {tenant:String}', 'own or none': "tenant IN ({tenant:String}, '')" };
  const parts = [tenants && own[tenants], only].filter((part) => part !== undefined);
  return { text: parts.length === 0 ? '1' : parts.join(' AND '), params: tenants === undefined ? {} : { tenant } };
}

/** `ready`: of rows that may go now; `sealed`: of rows that a checkpoint covers. Lines between two checkpoints wait for the later one. */
function sealedRows({ archived, isChained }: RetainedTable): { readonly ready: string; readonly sealed: string } {
  if (archived !== 'chain') return { ready: '1', sealed: '1' };
  if (isChained) return { ready: upTo('upto'), sealed: upTo('sealed') };
  // Events of before there were chains have none.
  const sealed = `(chain = '' OR ${upTo('sealed')})`;
  return { ready: sealed, sealed };
}

/** How far the chains of which something is old are signed. */
async function readChains(
  engine: Pick<Engine, 'query'>,
  { table, time, isChained }: RetainedTable,
  { scope, rules }: { readonly scope: Condition; readonly rules: PlanRules },
): Promise<Map<string, SealedChain>> {
  const { tenant, cutMs, copiedThrough, key } = rules;
  // Of what came in another order than it was recorded in, nothing goes that stands behind something younger.
  const newest = isChained
    ? `if(countIf(${time} >= ${instant('cut')}) > 0, minIf(sequence, ${time} >= ${instant('cut')}) - 1, max(sequence))`
    : 'max(sequence)';
  const isOld = `${time} < ${instant('cut')}`;
  const among = isChained
    ? `(emitter, epoch) IN (SELECT DISTINCT emitter, epoch FROM ${table} WHERE ${scope.text} AND ${isOld})`
    : isOld;
  const rows = await engine.query(
    `SELECT emitter, toUInt64(epoch) AS epoch, ${newest} AS newest FROM ${table}
     WHERE ${scope.text} AND ${among} GROUP BY emitter, epoch HAVING newest > 0 ORDER BY epoch, emitter LIMIT ${MOST_CHAINS}`,
    { ...scope.params, cut: cutMs },
  );
  const wanted = new Map(rows.map((row) => chainRow.parse(row)).map((row) => [chainOf(row), row.newest]));
  const sealed = await readSealedHeads(engine, tenant, { wanted, through: copiedThrough, key });
  return new Map([...wanted.keys()].map((chain) => [chain, sealed.get(chain) ?? UNSEALED]));
}

async function rowsIn(engine: Pick<Engine, 'query'>, table: string, id: string): Promise<number> {
  const [row] = await engine.query(`SELECT count() AS rows FROM ${table} WHERE _partition_id = {id:String}`, { id });
  return number.parse((row as { readonly rows?: unknown } | undefined)?.rows);
}
