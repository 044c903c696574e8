import { createLogger } from '@switchyard/telemetry';
import { clickhouseUrl, tempDir, unusedName } from '@switchyard/testing';
import { EmbeddedEngine } from './embedded-engine.js';
import type { Engine } from './engine.js';
import { HttpEngine } from './http-engine.js';
import { migrate, readMigrations } from './migrate.js';

/** An engine of a test's own; disposing closes it and removes its data. */
export interface OpenedEngine extends AsyncDisposable {
  readonly engine: Engine;
}

async function openHttp(): Promise<OpenedEngine> {
  const database = unusedName('analytics');
  const engine = await HttpEngine.open({ url: clickhouseUrl(), user: 'default', database });
  const dispose = async () => {
    await engine.close();
    const admin = await HttpEngine.open({ url: clickhouseUrl(), user: 'default', database: 'default' });
    await admin.command('DROP DATABASE {name:Identifier}', { name: database });
    await admin.close();
  };
  return { engine, [Symbol.asyncDispose]: dispose };
}

async function openEmbedded(): Promise<OpenedEngine> {
  const dir = await tempDir();
  const engine = await EmbeddedEngine.open(dir.path);
  const dispose = async () => {
    await engine.close();
    await dir[Symbol.asyncDispose]();
  };
  return { engine, [Symbol.asyncDispose]: dispose };
}

/** Both adapters of the engine port, each on an empty database. */
export const ENGINES: readonly (readonly [string, () => Promise<OpenedEngine>])[] = [
  ['ClickHouse over HTTP', openHttp],
  ['chDB', openEmbedded],
];

/** Opens an engine with the tables of analytics. */
export async function withTables(open: () => Promise<OpenedEngine>): Promise<OpenedEngine> {
  const opened = await open();
  await migrate(opened.engine, readMigrations(), createLogger({ service: 'test', level: 'silent' }));
  return opened;
}

/**
 * Has one engine with the tables of analytics for all tests of a block, of which each finds them as if they had just been made.
 * @returns opens it for one test
 */
export function tablesForEach(open: () => Promise<OpenedEngine>): () => Promise<OpenedEngine> {
  let opened: OpenedEngine;
  beforeAll(async () => {
    opened = await withTables(open);
  });
  afterAll(() => opened[Symbol.asyncDispose]());
  return async () => {
    await makeAnew(opened.engine);
    return { engine: opened.engine, [Symbol.asyncDispose]: () => Promise.resolve() };
  };
}

/** Drops and makes every table that has had rows: what the engine remembers of inserts goes with the table. */
async function makeAnew(engine: Engine): Promise<void> {
  const used = (await engine.query(
    `SELECT name, create_table_query AS definition FROM system.tables
     WHERE database = currentDatabase() AND name != 'schema_migrations'
       AND (total_rows > 0 OR name IN (SELECT table FROM system.parts WHERE database = currentDatabase()))`,
  )) as { name: string; definition: string }[];
  for (const { name, definition } of used) {
    await engine.command('DROP TABLE {name:Identifier} SYNC', { name });
    await engine.command(definition);
  }
}
