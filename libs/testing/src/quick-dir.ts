import { mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const MEMORY = '/dev/shm';
/** How much of it must be free: a run takes some hundred MiB. */
const LEAST_BYTES = 4 * 1024 ** 3;

/**
 * Keeps in memory what this run puts into temporary folders, where there is plenty of it: databases and spools sync thousands of small
 * files one by one, and no test has a loss of power. A TMPDIR that is set stays. The folder goes with this process.
 */
export function useQuickDir(): void {
  if (process.env['TMPDIR'] !== undefined || !hasRoom()) return;
  removeLeftovers();
  const dir = mkdtempSync(path.join(MEMORY, `switchyard-tests-of-${process.pid}-`));
  process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
  process.env['TMPDIR'] = dir;
}

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return Math.min(bavail * bsize, os.freemem()) >= LEAST_BYTES;
  } catch {
    return false;
  }
}

/** A run that was killed took nothing away. */
function removeLeftovers(): void {
  const running = new Set(readdirSync('/proc'));
  for (const name of readdirSync(MEMORY)) {
    const [, pid] = /^switchyard-tests-of-(\d+)-/.exec(name) ?? [];
    if (pid !== undefined && !running.has(pid)) rmSync(path.join(MEMORY, name), { recursive: true, force: true });
  }
}
