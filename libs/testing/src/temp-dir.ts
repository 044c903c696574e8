import { rmSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

/** A directory that goes with its scope: `await using dir = await tempDir()`. */
export interface TempDir extends AsyncDisposable {
  readonly path: string;
}

const removal = { recursive: true, force: true, maxRetries: 5, retryDelay: 50 };
const present = new Set<string>();
// A run that is interrupted leaves its scopes without disposing of anything.
process.on('exit', () => present.forEach((dir) => rmSync(dir, removal)));

/** Makes an empty directory; disposing it removes it with everything in it. */
export async function tempDir(): Promise<TempDir> {
  const dir = await mkdtemp(path.join(await realpath(os.tmpdir()), 'switchyard-test-'));
  present.add(dir);
  return {
    path: dir,
    [Symbol.asyncDispose]: async () => {
      await rm(dir, removal);
      present.delete(dir);
    },
  };
}
