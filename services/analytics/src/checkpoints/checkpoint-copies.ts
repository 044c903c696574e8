import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import type { StoredCheckpoint } from './checkpoint-store.js';

/** Copies of checkpoints, one a line, in a folder that the database's operators cannot write to. */
export class CheckpointCopies {
  readonly #file: string;

  constructor(dir: string) {
    this.#file = path.join(dir, 'checkpoints.jws');
  }

  /** Adds one. @returns when it is on the disk @throws the system's error */
  async add({ jws }: StoredCheckpoint): Promise<void> {
    await mkdir(path.dirname(this.#file), { recursive: true });
    const file = await open(this.#file, 'a', 0o644);
    try {
      await file.writeFile(`${jws}\n`);
      await file.datasync();
    } finally {
      await file.close();
    }
  }
}
