import type { Logger } from '@switchyard/telemetry';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Engine } from './engine.js';

/** One step of the database's history: one statement that may run twice. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

const directory = path.resolve(import.meta.dirname, '../../../../deploy/clickhouse/migrations');
const looks = 10;
const lookPauseMs = 200;
const fileName = /^(\d{4})-([a-z0-9-]+)\.sql$/;

// Two replicas may write the same row; both say the same.
const historyTable = `CREATE TABLE IF NOT EXISTS schema_migrations
(
    version UInt32,
    name String,
    sha256 String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY version
SETTINGS index_granularity = 8192, fsync_after_insert = 1, fsync_part_directory = 1`;

/** A migration that was applied is not the one in the file: the file was changed afterwards. */
export class MigrationChanged extends Error {
  override readonly name = 'MigrationChanged';
}

/** Reads deploy/clickhouse/migrations, in order. */
export function readMigrations(dir = directory): Migration[] {
  const names = readdirSync(dir).filter((name) => name.endsWith('.sql'));
  return names.sort().map((name) => {
    const match = fileName.exec(name);
    if (!match) throw new Error(`${name} is not called NNNN-what.sql`);
    const text = readFileSync(path.join(dir, name), 'utf8');
    const sha256 = createHash('sha256').update(text).digest('hex');
    return { version: Number(match[1]), name: match[2] ?? '', sql: text.trim().replace(/;$/, ''), sha256 };
  });
}

/**
 * Brings the database up to date; forward only. Safe when several replicas do it at once, because every migration is one
 * statement that has no effect the second time, or is refused. Migrations that only a newer version knows are left alone.
 * @throws MigrationChanged; EngineError
 */
export async function migrate(engine: Engine, migrations: readonly Migration[], log: Logger): Promise<void> {
  await engine.command(historyTable);
  const rows = await engine.query('SELECT version, sha256 FROM schema_migrations FINAL');
  const applied = new Map(rows.map((row) => historyRow(row)));
  for (const migration of migrations) {
    const known = applied.get(migration.version);
    if (known === migration.sha256) continue;
    if (known !== undefined)
      throw new MigrationChanged(
        `Migration ${migration.version} (${migration.name}) was changed after it was applied. Restore it, and add a new one.`,
      );
    if (await apply(engine, migration))
      log.info('the database was migrated', { version: String(migration.version), name: migration.name });
  }
}

/**
 * Applies a migration, unless another replica does meanwhile: what is renamed or removed can be so once, and the slower one is refused.
 * @returns whether it was applied here
 */
async function apply(engine: Engine, migration: Migration): Promise<boolean> {
  try {
    await engine.command(migration.sql);
  } catch (error) {
    if (await becomesKnown(engine, migration)) return false;
    throw error;
  }
  await remember(engine, migration);
  return true;
}

async function becomesKnown(engine: Engine, { version }: Migration): Promise<boolean> {
  for (let look = 0; look < looks; look++) {
    const rows = await engine.query('SELECT 1 FROM schema_migrations WHERE version = {version:UInt32}', { version });
    if (rows.length > 0) return true;
    await delay(lookPauseMs);
  }
  return false;
}

async function remember(engine: Engine, { version, name, sha256 }: Migration): Promise<void> {
  const line = `${JSON.stringify({ version, name, sha256 })}\n`;
  await engine.insertLines('schema_migrations', Buffer.from(line), `migration-${sha256}`);
}

function historyRow(row: unknown): [number, string] {
  const { version, sha256 } = row as { readonly version: number; readonly sha256: string };
  return [version, sha256];
}
