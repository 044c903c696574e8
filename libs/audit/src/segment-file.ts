import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';

/** An open segment file that is appended to. Writes are whole: one that fails leaves nothing behind. */
export class SegmentFile {
  readonly path: string;
  #fd: number | undefined;
  #bytes = 0;

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

  /** Idempotent. */
  close(): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** A write failed and a part of it could not be taken back: what it held may or may not be found later. */
export class PartialWrite extends Error {
  override readonly name = 'PartialWrite';
}
