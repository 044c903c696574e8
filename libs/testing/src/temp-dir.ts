import { mkdtemp, realpath, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

/** A directory that goes with its scope: `await using dir = await tempDir()`. */
export interface TempDir extends AsyncDisposable {
  readonly path: string;
}

/** Makes an empty directory; disposing it removes it with everything in it. */
export async function tempDir(): Promise<TempDir> {
  const dir = await mkdtemp(path.join(await realpath(os.tmpdir()), 'switchyard-test-'));
  return {
    path: dir,
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }),
  };
}
