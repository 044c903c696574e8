import { eventually, FakeClock, tempDir, type TempDir } from '@switchyard/testing';
import { createLogger } from '@switchyard/telemetry';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ChainCheck } from './chain-check.js';
import { Spool, type SpoolOptions } from './spool.js';
import { SpoolReader } from './spool-reader.js';

const log = createLogger({ service: 'test', level: 'silent' });
const mebibyte = 1024 ** 2;

function open(dir: string, options: Partial<SpoolOptions> = {}): Spool {
  return Spool.open({
    dir,
    emitter: 'edge-1',
    limitBytes: mebibyte,
    segmentBytes: 64 * 1024,
    clock: new FakeClock(),
    log,
    ...options,
  });
}

const append = (spool: Spool, count: number, text = 'x') =>
  Promise.all(Array.from({ length: count }, () => spool.append((sequence) => `{"n":${sequence},"text":"${text}"`)));

/** Everything that a spool still has to forward. */
async function unread(spool: Spool, options: { readonly release?: boolean } = {}): Promise<string[]> {
  const reader = new SpoolReader(spool.backlog, log);
  const lines: string[] = [];
  for (let batch = await reader.next(4_096); batch !== undefined; batch = await reader.next(4_096)) {
    lines.push(...batch.lines.toString().split('\n').slice(0, -1));
    if (options.release) spool.backlog.release(batch.end);
  }
  await reader.close();
  return lines;
}

const numbers = (lines: readonly string[]) => lines.map((line) => (JSON.parse(line) as { n: number }).n);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const segments = (dir: string) => readdirSync(dir).filter((name) => name.endsWith('.spool'));

describe('a spool', () => {
  let dir: TempDir;
  beforeEach(async () => {
    dir = await tempDir();
  });
  afterEach(() => dir[Symbol.asyncDispose]());

  it('acknowledges what it has written, and numbers it from 1 without gaps', async () => {
    const spool = open(dir.path);
    await append(spool, 100);
    await append(spool, 100);
    expect(numbers(await unread(spool))).toEqual(upTo(200));
    spool.close();
  });

  it('keeps what an earlier boot left, in order, before its own', async () => {
    const first = open(dir.path, { segmentBytes: 1_000 });
    await append(first, 50);
    first.close();
    const second = open(dir.path, { segmentBytes: 1_000 });
    await append(second, 3);
    expect(second.epoch).toBeGreaterThan(first.epoch);
    expect(numbers(await unread(second))).toEqual([...upTo(50), ...upTo(3)]);
    second.close();
  });

  it('is read without a gap where what was written is partly in memory and partly in files', async () => {
    const spool = open(dir.path, { limitBytes: 16 * mebibyte, segmentBytes: 3 * mebibyte });
    const text = 'm'.repeat(100_000);
    const reader = new SpoolReader(spool.backlog, log);
    const found: number[] = [];
    for (let written = 0; written < 90; written += 30) {
      for (let group = 0; group < 10; group++) await append(spool, 3, text);
      // More than is kept in memory lies behind a reader that takes less than what has been written.
      for (let bytes = 0; bytes < mebibyte;) {
        const batch = await reader.next(250_000);
        if (batch === undefined) break;
        bytes += batch.lines.length;
        found.push(...numbers(batch.lines.toString().split('\n').slice(0, -1)));
      }
    }
    for (let batch = await reader.next(1); batch !== undefined; batch = await reader.next(1))
      found.push(...numbers(batch.lines.toString().split('\n').slice(0, -1)));
    expect(found).toEqual(upTo(90));
    await reader.close();
    spool.close();
  });

  it('drops a torn last record, and keeps everything before it', async () => {
    const first = open(dir.path);
    await append(first, 20);
    first.close();
    const file = path.join(dir.path, segments(dir.path)[0] ?? '');
    truncateSync(file, readFileSync(file).length - 5);
    const second = open(dir.path);
    expect(numbers(await unread(second))).toEqual(upTo(19));
    second.close();
  });

  it('puts a damaged record aside, and goes on behind it', async () => {
    const first = open(dir.path);
    await append(first, 20);
    first.close();
    const file = path.join(dir.path, segments(dir.path)[0] ?? '');
    writeFileSync(file, readFileSync(file, 'utf8').replace('{"n":7,', '{"n":8,'));
    const second = open(dir.path);
    expect(numbers(await unread(second))).toEqual(upTo(20).filter((number) => number !== 7));
    expect(readFileSync(`${file}.bad`, 'utf8')).toContain('{"n":8,');
    second.close();
  });

  it('starts at the oldest segment where the cursor is damaged', async () => {
    const first = open(dir.path);
    await append(first, 5);
    first.close();
    appendFileSync(path.join(dir.path, 'cursor'), 'garbage');
    writeFileSync(path.join(dir.path, 'cursor'), 'x'.repeat(64));
    const second = open(dir.path);
    expect(numbers(await unread(second))).toEqual(upTo(5));
    second.close();
  });

  it('never uses an epoch twice, also where the clock was set back', async () => {
    const clock = new FakeClock(5_000);
    const first = open(dir.path, { clock });
    await append(first, 1);
    first.close();
    clock.setWallClock(1_000);
    const second = open(dir.path, { clock });
    await append(second, 1);
    expect(second.epoch).toBeGreaterThan(first.epoch);
    expect(await unread(second, { release: true })).toHaveLength(2);
    second.close();
    expect(segments(dir.path)).toEqual([]);
    const third = open(dir.path, { clock });
    expect(third.epoch).toBeGreaterThan(second.epoch);
    third.close();
  });

  it('stops accepting near its cap, still takes what is under way, and refuses at the cap', async () => {
    const spool = open(dir.path, { limitBytes: 64 * 1024 });
    for (let written = 0; spool.accepting(); written++) {
      expect(written).toBeLessThan(200);
      await append(spool, 1, 'y'.repeat(1_000));
    }
    await append(spool, 3, 'y'.repeat(1_000));
    await expect(append(spool, 10, 'y'.repeat(1_000))).rejects.toMatchObject({ name: 'SpoolFull' });
    // The group that was refused in part is written at the end of its turn.
    await nextTurn();
    const taken = numbers(await unread(spool, { release: true }));
    expect(taken).toEqual(upTo(taken.length));
    expect(spool.backlog.depthBytes).toBe(0);
    expect(spool.accepting()).toBe(true);
    await append(spool, 1);
    expect(numbers(await unread(spool))).toEqual([taken.length + 1]);
    spool.close();
  });

  it('is on the disk when asked, over segments that become full meanwhile, and after it was closed', async () => {
    const spool = open(dir.path, { segmentBytes: 1_000 });
    const durably = async () => {
      await append(spool, 1, 'd'.repeat(400));
      await spool.synced();
    };
    for (let round = 0; round < 5; round++) await Promise.all([durably(), durably(), durably()]);
    const last = append(spool, 1);
    spool.close();
    await last;
    await spool.synced();
    const again = open(dir.path);
    expect(await unread(again)).toHaveLength(16);
    again.close();
  });

  it('is for one writer', () => {
    const spool = open(dir.path);
    expect(() => open(dir.path)).toThrow(/Give every process an audit directory of its own/);
    spool.close();
    open(dir.path).close();
  });

  it('stops accepting while its directory cannot be written, and goes on when it can', async () => {
    const spool = open(dir.path, { segmentBytes: 300 });
    await append(spool, 2);
    rmSync(dir.path, { recursive: true });
    writeFileSync(dir.path, 'a file where the directory was');
    await append(spool, 10, 'z'.repeat(100));
    expect(spool.accepting()).toBe(false);
    await expect(append(spool, 1)).rejects.toMatchObject({ name: 'SpoolFull', cause: { code: 'ENOTDIR' } });
    rmSync(dir.path);
    await eventually(() => spool.accepting());
    await append(spool, 2);
    expect(segments(dir.path)).toHaveLength(1);
    spool.close();
  });
});

/** What its writer has given the spool. */
const withoutLink = (line: string) => line.replace(/,"chain":"[\w-]{43}"}$/, '}');

/** Starts the writing process; its acknowledged lines accumulate. */
function startWriter(dir: string, options: { readonly fileSizeKiB?: number } = {}) {
  const fixture = path.join(__dirname, 'spool-writer.fixture.mjs');
  const limit = options.fileSizeKiB === undefined ? '' : `ulimit -f ${options.fileSizeKiB}; `;
  const command = `${limit}exec "$0" --disable-warning=ExperimentalWarning "$1"`;
  const child = spawn('bash', ['-c', command, process.execPath, fixture], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify({ dir, segmentBytes: 512 * 1024 }));
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  return {
    child,
    /** A line cut off by the kill was not acknowledged. */
    acknowledged: () => Buffer.concat(output).toString().split('\n').slice(0, -1),
    bytes: () => output.reduce((sum, chunk) => sum + chunk.length, 0),
  };
}

describe('a spool whose process is killed', () => {
  it('keeps every acknowledged record over kill -9, boot after boot', async () => {
    await using dir = await tempDir();
    const acknowledged: string[] = [];
    for (let round = 0; round < 4; round++) {
      const writer = startWriter(dir.path);
      await eventually(() => writer.bytes() > 200_000 + round * 77_777);
      writer.child.kill('SIGKILL');
      await once(writer.child, 'close');
      acknowledged.push(...writer.acknowledged());
    }
    const spool = open(dir.path);
    const found = await unread(spool);
    const foundSet = new Set(found.map(withoutLink));
    expect(acknowledged.length).toBeGreaterThan(1_000);
    const check = new ChainCheck();
    expect(found.map((line) => check.next(Buffer.from(line))).filter((fault) => fault !== undefined)).toEqual([]);
    expect(acknowledged.filter((line) => !foundSet.has(line))).toEqual([]);
    expect(foundSet.size).toBe(found.length);
    expect(readdirSync(dir.path).filter((name) => name.endsWith('.bad'))).toEqual([]);
    spool.close();
  });

  it('refuses what the disk does not take (EFBIG in the middle of a write), loses and doubles nothing, and recovers', async () => {
    await using dir = await tempDir();
    const writer = startWriter(dir.path, { fileSizeKiB: 64 });
    await eventually(() => segments(dir.path).length >= 3);
    writer.child.kill('SIGKILL');
    await once(writer.child, 'close');
    const spool = open(dir.path);
    const found = await unread(spool);
    const sequences = found.map((line) => Number((JSON.parse(line) as { event_id: string }).event_id.split('/')[2]));
    expect(sequences).toEqual(upTo(found.length));
    const foundSet = new Set(found.map(withoutLink));
    expect(writer.acknowledged().filter((line) => !foundSet.has(line))).toEqual([]);
    spool.close();
  });
});
