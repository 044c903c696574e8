import type { EventJson } from '@switchyard/contracts';
import { tempDir } from '@switchyard/testing';
import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { text } from 'node:stream/consumers';

const mount = 'mount -t tmpfs -o size=384k tmpfs "$SPOOL_DISK"';
/** Ways to a disk that is full soon, the real one first: a file system of 384 KiB, with rights of our own making or the given ones, else a limit for each file. */
const WAYS = [
  ['unshare', '-Urm', 'sh', '-ec', `${mount}; exec "$@"`, 'sh'],
  ['unshare', '-m', 'sh', '-ec', `${mount}; exec "$@"`, 'sh'],
];
const LIMITED = ['bash', '-ec', 'ulimit -f 200; exec "$@"', 'bash'];

function run(way: readonly string[], disk: string, command: readonly string[]) {
  const [program = '', ...args] = [...way, ...command];
  return { program, args, env: { ...process.env, SPOOL_DISK: disk } };
}

function wayTo(disk: string): readonly string[] {
  const works = (way: readonly string[]) => {
    const { program, args, env } = run(way, disk, ['true']);
    return spawnSync(program, args, { env, stdio: 'ignore' }).status === 0;
  };
  return WAYS.find(works) ?? LIMITED;
}

interface Said {
  readonly acknowledged: readonly string[];
  readonly refused: number;
  readonly noticed: boolean;
  readonly lines: readonly string[];
}

describe('a spool whose disk is full', () => {
  it('D2 takes no new work, loses nothing that it acknowledged, and says afterwards how many were not recorded', async () => {
    await using dir = await tempDir();
    const fixture = path.join(__dirname, 'full-disk.fixture.mjs');
    const node = [process.execPath, '--experimental-transform-types', '--disable-warning=ExperimentalWarning', fixture];
    const { program, args, env } = run(wayTo(dir.path), dir.path, node);
    const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.end(JSON.stringify({ dir: path.join(dir.path, 'spool') }));
    const said = JSON.parse(await text(child.stdout)) as Said;
    const events = said.lines.map((line) => JSON.parse(line) as EventJson);
    const requests = new Set(events.map(({ request_id }) => request_id));
    expect([said.noticed, said.refused > 7]).toEqual([true, true]);
    expect(said.acknowledged.filter((request) => !requests.has(request))).toEqual([]);
    const told = events.filter(({ type }) => type === 'audit.shed').map(({ detail }) => Number(detail?.['tool.called ok']));
    expect(told.reduce((sum, count) => sum + count, 0)).toBe(said.refused);
    expect(events.map(({ sequence }) => Number(sequence))).toEqual(events.map((_, index) => index + 1));
  });
});
