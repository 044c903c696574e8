import { BUCKETS } from '@switchyard/contracts';
import { FakeClock, tempDir } from '@switchyard/testing';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { StateUnavailable, type KvChange } from './kv.js';
import { SqliteState } from './sqlite-state.js';

const bytes = (text: string) => Buffer.from(text);
const line = (change: KvChange) => (change.kind === 'put' ? change.entry.key : `${change.key} gone`);

it('KV-S1 what was written stands after a restart, and revisions go on growing even where the last key was deleted', async () => {
  await using dir = await tempDir();
  const file = path.join(dir.path, 'state.db');
  const before = SqliteState.open(file);
  const kv = await before.bucket(BUCKETS.oidc, 'tenant');
  const kept = await kv.put('kept', bytes('1'));
  const last = await kv.put('last', bytes('2'));
  await kv.delete('last');
  await before.close();
  await before.close();

  const after = SqliteState.open(file);
  const again = await after.bucket(BUCKETS.oidc, 'tenant');
  expect((await again.get('kept'))?.revision).toBe(kept);
  expect(await again.put('last', bytes('3'))).toBeGreaterThan(last);
  await after.close();
});

it('KV-S2 a key whose time is over is gone at that moment, by the clock; the end of another one stands after a restart', async () => {
  await using dir = await tempDir();
  const file = path.join(dir.path, 'state.db');
  const clock = new FakeClock();
  const state = SqliteState.open(file, { now: () => clock.now() });
  const kv = await state.bucket(BUCKETS.sessions, 'tenant');
  const changes: string[] = [];
  await (
    await kv.watch((change) => changes.push(line(change)))
  ).ready;
  await kv.put('short', bytes('1'), { ttlMs: 1_500 });
  await kv.put('long', bytes('1'), { ttlMs: 10_000 });
  clock.advance(1_999);
  expect(await kv.get('short')).toBeDefined();
  clock.advance(1);
  expect(await kv.get('short')).toBeUndefined();
  expect(changes).toEqual(['short', 'long', 'short gone']);
  await state.close();

  clock.advance(8_000);
  const after = SqliteState.open(file, { now: () => clock.now() });
  expect(await (await after.bucket(BUCKETS.sessions, 'tenant')).keys()).toEqual([]);
  await after.close();
});

it('KV-S3 a second process is refused while the first uses the file', async () => {
  await using dir = await tempDir();
  const file = path.join(dir.path, 'state.db');
  const state = SqliteState.open(file);
  const script = `const { DatabaseSync } = require('node:sqlite'); new DatabaseSync(${JSON.stringify(file)}).exec('CREATE TABLE other (x)')`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  expect([code, /database is locked/.test(output)]).toEqual([1, true]);
  expect(() => SqliteState.open(file)).toThrow(StateUnavailable);
  await state.close();
});

it('KV-S4 what a killed process had written stands', async () => {
  await using dir = await tempDir();
  const file = path.join(dir.path, 'state.db');
  await SqliteState.open(file).close();
  const script = `
    const { DatabaseSync } = require('node:sqlite');
    const database = new DatabaseSync(${JSON.stringify(file)});
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = NORMAL;");
    database.exec("INSERT INTO entries VALUES ('oidc', 'tenant', 'key', x'01', 7, NULL)");
    process.kill(process.pid, 'SIGKILL');`;
  const [, signal] = (await once(spawn(process.execPath, ['-e', script]), 'close')) as [null, string];
  expect(signal).toBe('SIGKILL');
  const state = SqliteState.open(file);
  expect((await (await state.bucket(BUCKETS.oidc, 'tenant')).get('key'))?.revision).toBe(7);
  await state.close();
});

it('KV-S5 a file that cannot be opened, and a state that is closed, say so', async () => {
  await using dir = await tempDir();
  expect(() => SqliteState.open(path.join(dir.path, 'absent', 'state.db'))).toThrow(StateUnavailable);
  const state = SqliteState.open(path.join(dir.path, 'state.db'));
  const kv = await state.bucket(BUCKETS.oidc, 'tenant');
  await state.close();
  expect(await state.ready()).toBe(false);
  await expect(kv.get('key')).rejects.toThrow(StateUnavailable);
  await expect(state.bucket(BUCKETS.oidc, 'tenant')).rejects.toThrow(StateUnavailable);
});
