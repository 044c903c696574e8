import { randomBytes } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

const FULL: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT']);

/**
 * Room on the disk that is taken while there is enough. On a full disk it is given back to what has to be written before anything can
 * be deleted.
 */
export class SpareRoom {
  readonly #file: string;
  readonly #bytes: number;

  constructor(file: string, bytes: number) {
    this.#file = file;
    this.#bytes = bytes;
  }

  /** Idempotent. @returns whether the disk has room for it, and for anything else */
  take(): boolean {
    if (existsSync(this.#file)) return true;
    try {
      // Zeros would be no room where file systems compress.
      writeFileSync(this.#file, randomBytes(this.#bytes), { mode: 0o600 });
      return true;
    } catch (error) {
      this.give();
      return !FULL.has((error as NodeJS.ErrnoException).code);
    }
  }

  /** Idempotent. */
  give(): void {
    try {
      rmSync(this.#file, { force: true });
    } catch {
      // Where not even this can be done, the disk is not what is full.
    }
  }
}
