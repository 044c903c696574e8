import { eventually, tempDir, type TempDir } from '@switchyard/testing';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { GatewayFileWatch, readContent } from './gateway-file-watch.js';

let dir: TempDir;
const watches: GatewayFileWatch[] = [];

beforeEach(async () => void (dir = await tempDir()));
afterEach(async () => {
  await Promise.all(watches.splice(0).map((watch) => watch.close()));
  await dir[Symbol.asyncDispose]();
});

async function watched(file: string, options: { pollMs?: number; settleMs?: number } = {}): Promise<string[]> {
  const seen: string[] = [];
  const onChange = (content: Awaited<ReturnType<typeof readContent>>) => seen.push(content.ok ? content.text : 'unreadable');
  const failed = (error: unknown) => seen.push(`unwatchable ${String(error)}`);
  watches.push(
    new GatewayFileWatch(await readContent(file), { file, onChange, onUnwatchable: failed, pollMs: 60_000, ...options }),
  );
  return seen;
}

const expectSeen = (seen: string[], expected: string[]) => eventually(() => expect(seen).toEqual(expected));

const writers: { id: string; write: (file: string) => void }[] = [
  { id: 'W1 overwritten in place', write: (file) => writeFileSync(file, 'new') },
  {
    id: 'W2 replaced by rename, as editors do',
    write: (file) => {
      writeFileSync(`${file}.tmp`, 'new');
      renameSync(`${file}.tmp`, file);
    },
  },
  {
    id: 'W3 backed up and written anew',
    write: (file) => {
      renameSync(file, `${file}~`);
      writeFileSync(file, 'new');
    },
  },
  {
    id: 'W4 written in pieces',
    write: (file) => {
      writeFileSync(file, '');
      writeFileSync(file, 'n', { flag: 'a' });
      writeFileSync(file, 'ew', { flag: 'a' });
    },
  },
];

describe('GatewayFileWatch', () => {
  it.each(writers)('tells of a file $id, once', async ({ write }) => {
    const file = path.join(dir.path, 'a.yaml');
    writeFileSync(file, 'old');
    const seen = await watched(file);
    write(file);
    await expectSeen(seen, ['new']);
  });

  it('follows a mounted folder that is swapped behind a link', async () => {
    const mounted = (version: string) => path.join(dir.path, version);
    for (const version of ['v1', 'v2']) mkdirSync(mounted(version));
    writeFileSync(path.join(mounted('v1'), 'a.yaml'), 'old');
    writeFileSync(path.join(mounted('v2'), 'a.yaml'), 'new');
    symlinkSync('v1', mounted('..data'));
    symlinkSync('..data/a.yaml', mounted('a.yaml'));
    const seen = await watched(mounted('a.yaml'));
    symlinkSync('v2', mounted('..tmp'));
    renameSync(mounted('..tmp'), mounted('..data'));
    await expectSeen(seen, ['new']);
  });

  it('notices by reading where nothing notifies', async () => {
    const elsewhere = path.join(dir.path, 'elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(path.join(elsewhere, 'a.yaml'), 'old');
    // The folder that is watched holds the link only, so writing the target notifies nobody.
    symlinkSync('elsewhere/a.yaml', path.join(dir.path, 'a.yaml'));
    const seen = await watched(path.join(dir.path, 'a.yaml'), { pollMs: 50 });
    writeFileSync(path.join(elsewhere, 'a.yaml'), 'new');
    await expectSeen(seen, ['new']);
  });

  it('does not tell of what a writer is in the middle of, although it reads then', async () => {
    const file = path.join(dir.path, 'a.yaml');
    writeFileSync(file, 'old');
    const seen = await watched(file, { pollMs: 1, settleMs: 200 });
    for (const until = performance.now() + 400; performance.now() < until; await setImmediate())
      writeFileSync(file, String(performance.now()));
    writeFileSync(file, 'new');
    await expectSeen(seen, ['new']);
  });

  it('tells when the file goes and when it comes back', async () => {
    const file = path.join(dir.path, 'a.yaml');
    writeFileSync(file, 'old');
    const seen = await watched(file);
    rmSync(file);
    await expectSeen(seen, ['unreadable']);
    writeFileSync(file, 'old');
    await expectSeen(seen, ['unreadable', 'old']);
  });

  it('does not miss what was written before it started to watch', async () => {
    const file = path.join(dir.path, 'a.yaml');
    writeFileSync(file, 'old');
    const known = await readContent(file);
    writeFileSync(file, 'new');
    const seen: string[] = [];
    const onChange = () => seen.push('changed');
    watches.push(new GatewayFileWatch(known, { file, onChange, onUnwatchable: () => undefined, pollMs: 60_000 }));
    await expectSeen(seen, ['changed']);
  });
});
