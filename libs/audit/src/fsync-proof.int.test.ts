import type { EventJson } from '@switchyard/contracts';
import { systemClock } from '@switchyard/runtime';
import { createLogger } from '@switchyard/telemetry';
import { eventually, hasStrace, straceArgs, tempDir } from '@switchyard/testing';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { Audit } from './audit.js';
import { acknowledgedTooEarly } from './fsync-proof.fixture.js';

const isWatched = hasStrace();

/** The intent writer, under strace where there is one. */
function start(dir: string, trace: string) {
  const fixture = path.join(__dirname, 'intent-writer.fixture.mjs');
  const node = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning', fixture];
  const strace = [...straceArgs(trace, ['write', 'pwrite64', 'fdatasync'], 64), process.execPath];
  const [program, args] = isWatched ? ['strace', [...strace, ...node]] : [process.execPath, node];
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
  child.stdin.end(JSON.stringify({ dir, stream: path.join(dir, '..', 'stream'), segmentBytes: 64 * 1024 ** 2 }));
  return child;
}

/** Opens a spool and forwards what it holds. @returns the events */
async function forwardedFrom(dir: string): Promise<EventJson[]> {
  const lines: string[] = [];
  const bus = {
    publish: async (_s: unknown, _t: string, _i: string, data: Uint8Array) => void lines.push(Buffer.from(data).toString()),
  };
  const log = createLogger({ service: 'test', level: 'silent' });
  const options = { dir, emitter: 'edge-1', tenant: 'default', limitBytes: 64 * 1024 ** 2, clock: systemClock, log };
  const audit = await Audit.open({ ...options, bus: bus as never });
  await audit.close();
  return lines
    .join('')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as EventJson);
}

/** What a loss of power leaves: nothing behind the last sync, and nothing that says how far the segment was forwarded. */
function losePower(spool: string, copy: string, segment: string, syncedBytes: number): void {
  cpSync(spool, copy, { recursive: true });
  truncateSync(path.join(copy, segment), syncedBytes);
  rmSync(path.join(copy, 'cursor'), { force: true });
}

describe('what is acknowledged as being on the disk', () => {
  it('was written there, and synced, before that was said; what was not synced is nobody’s', async () => {
    await using dir = await tempDir();
    const [spool, trace] = [path.join(dir.path, 'spool'), path.join(dir.path, 'trace')];
    const child = start(spool, trace);
    const output: string[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk.toString()));
    await eventually(() => output.join('').split('\n').length > 300, { timeoutMs: 60_000 });
    process.kill(-child.pid!, 'SIGKILL');
    await once(child, 'close');
    const said = output.join('').split('\n').slice(0, -1);
    const segments = readdirSync(spool).filter((name) => name.endsWith('.spool'));
    expect([segments.length, said.length > 250]).toEqual([1, true]);
    const segment = readFileSync(path.join(spool, segments[0]!), 'latin1');
    if (!isWatched) {
      for (const line of said) expect(segment).toContain(`"${line.slice(2)}"`);
      return;
    }
    const proof = acknowledgedTooEarly(readFileSync(trace, 'latin1'), segment);
    expect(proof.checked).toBeGreaterThan(250);
    expect(proof.tooEarly).toEqual([]);

    const copy = path.join(dir.path, 'copy');
    losePower(spool, copy, segments[0]!, proof.syncedBytes);
    const events = await forwardedFrom(copy);
    const recorded = new Set(events.map(({ event_id: id }) => id));
    const ended = new Set(events.map(({ detail }) => detail?.['intent']));
    expect(said.filter((line) => !(line.startsWith('I') ? recorded : ended).has(line.slice(2)))).toEqual([]);
  });
});
