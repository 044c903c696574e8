import { closeSync, fdatasync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';

const syncData = promisify(fdatasync);

/** An open segment file that is appended to. Writes are whole: one that fails leaves nothing behind. */
export class SegmentFile {
  readonly path: string;
  #fd: number | undefined;
  #bytes = 0;
  #syncing = 0;

  private constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  /** @throws the system's error; EEXIST where the file exists */
  static create(path: string): SegmentFile {
    return new SegmentFile(path, openSync(path, 'ax', 0o600));
  }

  /** Length of everything that was written completely. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Hands bytes to the kernel.
   * @throws PartialWrite where a part of them could not be taken back; else the system's error
   */
  append(data: Uint8Array): void {
    const fd = this.#fd;
    if (fd === undefined) throw new Error('the segment file is closed');
    try {
      for (let written = 0; written < data.length;) written += writeSync(fd, data, written);
    } catch (error) {
      this.#takeBack(fd, error);
      throw error;
    }
    this.#bytes += data.length;
  }

  #takeBack(fd: number, cause: unknown): void {
    try {
      ftruncateSync(fd, this.#bytes);
    } catch {
      throw new PartialWrite('a part of a write stayed in the segment file', { cause });
    }
  }

  /** @returns when everything that has been appended is on the disk; at once where the file is closed. @throws the system's error */
  async sync(): Promise<void> {
    const fd = this.#fd;
    if (fd === undefined) return;
    this.#syncing += 1;
    try {
      await syncData(fd);
    } finally {
      this.#syncing -= 1;
      // The number of a file that is closed meanwhile would be another file's.
      if (this.#syncing === 0 && this.#fd === undefined) closeSync(fd);
    }
  }

  /** Idempotent. */
  close(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined && this.#syncing === 0) closeSync(fd);
  }
}

/** A write failed and a part of it could not be taken back: what it held may or may not be found later. */
export class PartialWrite extends Error {
  override readonly name = 'PartialWrite';
}
