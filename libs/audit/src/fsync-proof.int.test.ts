import { eventually, tempDir } from '@switchyard/testing';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { acknowledgedTooEarly } from './fsync-proof.fixture.js';

const hasStrace = spawnSync('strace', ['-V'], { stdio: 'ignore' }).status === 0;

/** The intent writer, under strace where there is one. */
function start(dir: string, trace: string) {
  const fixture = path.join(__dirname, 'intent-writer.fixture.mjs');
  const node = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning', fixture];
  const strace = ['-f', '-ttt', '-T', '-y', '-s', '64', '-e', 'trace=write,pwrite64,fdatasync', '-o', trace, process.execPath];
  const [program, args] = hasStrace ? ['strace', [...strace, ...node]] : [process.execPath, node];
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
  child.stdin.end(JSON.stringify({ dir, stream: path.join(dir, '..', 'stream'), segmentBytes: 64 * 1024 ** 2 }));
  return child;
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
    if (!hasStrace) {
      for (const line of said) expect(segment).toContain(`"${line.slice(2)}"`);
      return;
    }
    const proof = acknowledgedTooEarly(readFileSync(trace, 'latin1'), segment);
    expect(proof.checked).toBeGreaterThan(250);
    expect(proof.tooEarly).toEqual([]);
  });
});
