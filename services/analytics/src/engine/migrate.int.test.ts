import { EventSchema } from '@switchyard/contracts';
import { createLogger } from '@switchyard/telemetry';
import { ENGINES } from './engines.fixture.js';
import { migrate, MigrationChanged, readMigrations, type Migration } from './migrate.js';

const log = createLogger({ service: 'test', level: 'silent' });

describe('the files of migrations', () => {
  const migrations = readMigrations();

  it('are numbered upwards, each number once', () => {
    const versions = migrations.map(({ version }) => version);
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
  });

  it.each(migrations.map((migration) => [migration.name, migration] as const))(
    '%s: is one statement that may run twice',
    (_name, { sql }) => {
      expect(sql.replace(/--.*$/gm, '')).not.toContain(';');
      // Events and counts that are copied twice are one row at read, a bitmap joined with itself is itself, and what is as it should be stays so.
      expect(sql).toMatch(
        /\bIF (NOT )?EXISTS\b|^INSERT INTO (events|event_sequences|usage_day_people|usage_day_tools)\b|^ALTER TABLE \w+\s+MODIFY (COLUMN|SETTING|TTL)\b/m,
      );
    },
  );
});

describe.each(ENGINES)('migrating %s', (_name, open) => {
  it('makes tables whose columns are the fields of an event', async () => {
    await using opened = await open();
    const { engine } = opened;
    await migrate(engine, readMigrations(), log);
    const columns = (await engine.query('DESCRIBE TABLE events')) as { name: string }[];
    expect(columns.map(({ name }) => name)).toEqual([...EventSchema.fields.map(({ jsonName }) => jsonName), 'ingested_at']);
  });

  it('happens once, also when replicas do it at the same time and again', async () => {
    await using opened = await open();
    const { engine } = opened;
    const counting: Migration = {
      version: 99,
      name: 'x',
      sha256: 'a',
      sql: 'CREATE TABLE IF NOT EXISTS x (id String) ENGINE = MergeTree ORDER BY id',
    };
    const migrations = [...readMigrations(), counting];
    await Promise.all([1, 2, 3].map(() => migrate(engine, migrations, log)));
    await migrate(engine, migrations, log);
    const rows = (await engine.query('SELECT version, name FROM schema_migrations FINAL ORDER BY version')) as {
      version: number;
    }[];
    expect(rows.map(({ version }) => version)).toEqual(migrations.map(({ version }) => version));
    // A version of the code that is older than the database leaves it alone.
    await migrate(engine, readMigrations(), log);
  });

  it('refuses a migration that was changed after it was applied', async () => {
    await using opened = await open();
    const migrations = readMigrations();
    await migrate(opened.engine, migrations, log);
    const changed = migrations.map((migration) => (migration.version === 2 ? { ...migration, sha256: 'other' } : migration));
    await expect(migrate(opened.engine, changed, log)).rejects.toBeInstanceOf(MigrationChanged);
  });
});
