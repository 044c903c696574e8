import { renderEvent } from '@switchyard/audit';
import { EventSchema } from '@switchyard/contracts';
import { createLogger } from '@switchyard/telemetry';
import { ENGINES } from './engines.fixture.js';
import { migrate, MigrationChanged, readMigrations, type Migration } from './migrate.js';

jest.setTimeout(300_000);

const lineOf = (sequence: number) => {
  const fields = {
    type: 'tool.called',
    outcome: 'ok',
    principal_subject: `u${sequence}`,
    principal_name: `ana-${sequence}`,
  } as const;
  const recordedAtMs = Date.UTC(2026, 0, 15, 12, sequence);
  return `${renderEvent(fields, { tenant: 'default', emitter: 'edge-1', epoch: 1, sequence, recordedAtMs })}\n`;
};

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
      // Events, people and counts that are copied twice are one row at read, a bitmap joined with itself is itself, a mark that is there twice
      // changes no count, and what is as it should be stays so.
      expect(sql).toMatch(
        /\bIF (NOT )?EXISTS\b|^INSERT INTO (event_sequences|events|principals|usage_day_people|usage_day_teams|usage_day_tools|usage_marks)\b|^ALTER TABLE \w+\s+(MODIFY (COLUMN|SETTING|TTL)|ATTACH PARTITION ALL FROM)\b/m,
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

  it('D3: gives events and counts small granules without losing one, one that nothing has counted, or its place by person', async () => {
    await using opened = await open();
    const { engine } = opened;
    const all = readMigrations();
    const upTo = (version: number) => all.filter((migration) => migration.version <= version);
    const insert = (sequence: number) => engine.insertLines('events', Buffer.from(lineOf(sequence)), `t${sequence}`);
    await migrate(engine, upTo(49), log);
    await insert(1);
    await insert(2);
    await engine.command(`INSERT INTO usage_days (tenant, day, principal_subject, type, events)
      VALUES ('default', '2026-01-15', 'u1', 'tool.called', 7)`);
    await migrate(engine, upTo(51), log);
    // As a replica of before does, which goes on while this one migrates: the table is there, and no view of it.
    await insert(3);
    await migrate(engine, all, log);
    await insert(4);
    const figures = await engine.query(
      `SELECT toUInt32((SELECT count() FROM events FINAL)) AS events, toUInt32((SELECT uniqExact(principal_name) FROM principals)) AS names,
         toUInt32((SELECT groupBitmapMerge(seen) FROM event_sequences)) AS sequences,
         toUInt32((SELECT uniqExact(minute) FROM usage_marks)) AS minutes, toUInt32((SELECT sum(events) FROM usage_days FINAL)) AS counted`,
    );
    expect(figures).toEqual([{ events: 4, names: 4, sequences: 4, minutes: 4, counted: 7 }]);
    const ofPerson = `SELECT event_id FROM events WHERE tenant = 'default' AND principal_subject = {subject:String}
      SETTINGS force_optimize_projection = 1`;
    expect(await engine.query(ofPerson, { subject: 'u1' })).toEqual([{ event_id: 'edge-1/1/1' }]);
    // What retention deletes is nowhere else.
    const left = `SELECT name FROM system.tables WHERE database = currentDatabase() AND name LIKE '%before%' AND total_rows > 0`;
    expect(await engine.query(left)).toEqual([]);
    const views = `SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'MaterializedView' ORDER BY name`;
    expect(await engine.query(views)).toEqual(
      ['event_sequences_known', 'principals_known', 'tools_seen_first', 'usage_marked'].map((name) => ({ name })),
    );
    // Again, as a slower replica does it: refused where it would undo something, and otherwise of no effect.
    await Promise.all(all.filter(({ version }) => version >= 50).map(({ sql }) => engine.command(sql).catch(() => undefined)));
    expect(await engine.query('SELECT toUInt32(count()) AS events FROM events FINAL')).toEqual([{ events: 4 }]);
  });

  it('refuses a migration that was changed after it was applied', async () => {
    await using opened = await open();
    const migrations = readMigrations();
    await migrate(opened.engine, migrations, log);
    const changed = migrations.map((migration) => (migration.version === 2 ? { ...migration, sha256: 'other' } : migration));
    await expect(migrate(opened.engine, changed, log)).rejects.toBeInstanceOf(MigrationChanged);
  });
});
