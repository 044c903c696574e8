import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const DISK_BYTES = 24 * 1024 ** 2;
const CHUNK = Buffer.alloc(64 * 1024);

/** A disk for one edge's spool that can be full. */
export interface SpoolDisk extends Disposable {
  /** Folder on it. */
  readonly spool: string;
  /** What it is, for people. */
  readonly how: string;
  /** Leaves no room for anything more. @param pid who writes to it */
  fill(pid: number): void;
  free(pid: number): void;
}

/** A file system of its own, as small as `DISK_BYTES`; where none can be mounted, one whose writer may write no further. */
export function openSpoolDisk(ownMounts: boolean): SpoolDisk {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'switchyard-chaos-disk-'));
  return ownMounts ? mounted(dir) : limited(dir);
}

/** Where something is mounted; it goes with this process, however that ends. */
const mountPoints = new Set<string>();
process.on('exit', () => mountPoints.forEach(unmount));

function unmount(dir: string): void {
  execFileSync('umount', ['--lazy', dir]);
  rmdirSync(dir);
  mountPoints.delete(dir);
}

function mounted(dir: string): SpoolDisk {
  mountPoints.add(dir);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', dir]);
  const ballast = path.join(dir, 'ballast');
  return {
    spool: path.join(dir, 'audit'),
    how: `tmpfs of ${DISK_BYTES / 1024 ** 2} MiB`,
    fill: () => fillUp(ballast),
    free: () => rmSync(ballast, { force: true }),
    [Symbol.dispose]: () => unmount(dir),
  };
}

function fillUp(file: string): void {
  const fd = openSync(file, 'a');
  try {
    for (let size = CHUNK.length; size > 0;) {
      try {
        writeSync(fd, CHUNK, 0, size);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        size = Math.floor(size / 2);
      }
    }
  } finally {
    closeSync(fd);
  }
}

function limited(dir: string): SpoolDisk {
  const limit = (pid: number, soft: string) => {
    if (pid > 0) execFileSync('prlimit', ['--pid', String(pid), `--fsize=${soft}:`]);
  };
  return {
    spool: path.join(dir, 'audit'),
    how: 'a limit to the size of files (RLIMIT_FSIZE): nothing can be mounted here',
    fill: (pid) => limit(pid, '1'),
    free: (pid) => limit(pid, 'unlimited'),
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}
