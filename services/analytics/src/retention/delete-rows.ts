import { pause } from '@switchyard/messaging';
import { z } from 'zod';
import { EngineError, type Engine } from '../engine/engine.js';
import type { TablePlan } from './table-plan.js';

const LOOK_MS = 100;
const mutationsRow = z.object({ running: z.coerce.number(), reason: z.string() });

/**
 * Deletes what a plan means: partitions of which nothing is to stay at once, of others the rows, which rewrites their parts, so that nothing of
 * them is left on the disk. Doing it again does no harm.
 * @returns how many partitions were dropped
 * @throws EngineError
 */
export async function deleteRows(engine: Engine, table: string, plan: TablePlan, signal: AbortSignal): Promise<number> {
  let dropped = 0;
  for (const { id, isWhole } of plan.partitions) {
    if (isWhole) {
      await engine.command(`ALTER TABLE ${table} DROP PARTITION ID {id:String}`, { id });
      dropped += 1;
    } else
      await engine.command(`ALTER TABLE ${table} DELETE IN PARTITION ID {id:String} WHERE ${plan.going.text}`, {
        ...plan.going.params,
        id,
      });
  }
  await untilDeleted(engine, table, signal);
  return dropped;
}

/** Names of people of whom no event is left. @throws EngineError */
export async function forgetNames(engine: Engine, tenant: string, signal: AbortSignal): Promise<void> {
  const columns = 'principal_issuer, principal_subject, principal_name';
  await engine.command(
    `ALTER TABLE principals DELETE WHERE tenant = {tenant:String}
     AND (${columns}) NOT IN (SELECT DISTINCT ${columns} FROM events WHERE tenant = {tenant:String})`,
    { tenant },
  );
  await untilDeleted(engine, 'principals', signal);
}

/** Waits until the database has deleted what it was told to, also by a process of before. @throws EngineError where it cannot, or the signal aborts */
export async function untilDeleted(engine: Engine, table: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const [row] = await engine.query(
      `SELECT count() AS running, anyIf(latest_fail_reason, latest_fail_reason != '') AS reason FROM system.mutations
       WHERE database = currentDatabase() AND table = {table:String} AND is_done = 0`,
      { table },
    );
    const { running, reason } = mutationsRow.parse(row);
    if (running === 0) return;
    if (reason !== '') throw new EngineError(`rows of ${table} could not be deleted: ${reason}`, undefined);
    if (signal.aborted) throw new EngineError(`rows of ${table} are still being deleted`, undefined);
    await pause(LOOK_MS, signal);
  }
}
