import type { EventJson } from '@switchyard/contracts';
import { tempDir } from '@switchyard/testing';
import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { text } from 'node:stream/consumers';

const mount = 'mount -t tmpfs -o size=12m tmpfs "$SPOOL_DISK"';
/** Ways to a disk that is full soon, the real one first: a file system of 12 MiB, with rights of our own making or the given ones, else a limit for each file. */
const WAYS = [
  ['unshare', '-Urm', 'sh', '-ec', `${mount}; exec "$@"`, 'sh'],
  ['unshare', '-m', 'sh', '-ec', `${mount}; exec "$@"`, 'sh'],
];
const LIMITED = ['bash', '-ec', 'ulimit -f 200; exec "$@"', 'bash'];

const LONGEST_MS = 60_000;

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

describe('a spool whose disk', () => {
  it.each([
    { filledBy: 'others', what: 'is full of what is not the spool’s' },
    { filledBy: 'itself', what: 'is full of the spool alone, which only forwarding can empty' },
    { filledBy: 'strict', what: 'is full of the spool alone, and an intent is open' },
  ])(
    'D2 $what: takes no new work, loses nothing that it acknowledged, says how many were not recorded',
    async ({ filledBy }) => {
      await using dir = await tempDir();
      const fixture = path.join(__dirname, 'full-disk.fixture.mjs');
      const node = [process.execPath, '--experimental-transform-types', '--disable-warning=ExperimentalWarning', fixture];
      const { program, args, env } = run(wayTo(dir.path), dir.path, node);
      // One that never gets out of it is ended before the test is.
      const limits = { timeout: LONGEST_MS - 2_000, killSignal: 'SIGKILL' } as const;
      const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'inherit'], ...limits });
      child.stdin.end(JSON.stringify({ dir: path.join(dir.path, 'spool'), filledBy }));
      const said = JSON.parse(await text(child.stdout)) as Said;
      const events = said.lines.map((line) => JSON.parse(line) as EventJson);
      const requests = new Set(events.map(({ request_id }) => request_id));
      expect([said.noticed, said.refused > 7]).toEqual([true, true]);
      expect(said.acknowledged.filter((request) => !requests.has(request))).toEqual([]);
      const told = events.filter(({ type }) => type === 'audit.shed').map(({ detail }) => Number(detail?.['tool.called ok']));
      expect(told.reduce((sum, count) => sum + count, 0)).toBe(said.refused);
      // Batches that waited for the bus come in any order.
      const sequences = events.map(({ sequence }) => Number(sequence)).sort((a, b) => a - b);
      expect(sequences).toEqual(events.map((_, index) => index + 1));
    },
    LONGEST_MS,
  );
});
