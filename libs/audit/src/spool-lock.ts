import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Another process writes to the same spool directory. */
export class SpoolInUse extends Error {
  override readonly name = 'SpoolInUse';
}

// SQLite's result code for a lock that another connection holds.
const busyCode = 5;

/**
 * Makes this the only process that writes to a spool directory. The kernel gives the lock back when the process ends, however
 * it ends; SQLite is the way to such a lock that Node offers.
 * @returns gives the lock back
 * @throws SpoolInUse where another holds it
 */
export function lockSpool(dir: string): () => void {
  const database = new DatabaseSync(path.join(dir, 'lock'));
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if ((error as { errcode?: unknown }).errcode !== busyCode) throw error;
    throw new SpoolInUse(`Another process writes events to ${dir}. Give every process an audit directory of its own.`, {
      cause: error,
    });
  }
  return () => database.close();
}
