import { closeSync, fsync, openSync } from 'node:fs';
import { promisify } from 'node:util';
import type { SegmentFile } from './segment-file.js';

const syncFile = promisify(fsync);

/** As much of a segment file as is needed here. */
export type SyncedFile = Pick<SegmentFile, 'sync' | 'close'>;

/** One trip to the disk, and what it covers. */
interface Round {
  /** Writes that had been made when it began. */
  readonly writes: number;
  readonly done: Promise<void>;
}

/**
 * Brings what was written to segment files onto the disk, with one fdatasync for all who wait; it runs beside the event loop.
 * Where nobody ever waits, nothing is synced.
 */
export class GroupCommit {
  readonly #dir: string;
  readonly #onFault: (error: unknown) => void;
  #current: SyncedFile;
  /** Full, and not known to be on the disk. */
  #retired: SyncedFile[] = [];
  /** A file that is new in the directory survives a loss of power only once the directory is on the disk too. */
  #dirIsStale = true;
  #wasAsked = false;
  #writes = 0;
  #round: Round | undefined;
  #next: PromiseWithResolvers<void> | undefined;

  /** @param onFault told when the disk refused; what waits is told as well */
  constructor(dir: string, first: SyncedFile, onFault: (error: unknown) => void) {
    this.#dir = dir;
    this.#current = first;
    this.#onFault = onFault;
  }

  /** Something was handed to the kernel. */
  wrote(): void {
    this.#writes += 1;
  }

  /** Another file takes the writes from now on. */
  begin(file: SyncedFile): void {
    this.retire();
    this.#current = file;
    this.#dirIsStale = true;
  }

  /** The current file takes no more: it is closed when nobody waits for it. */
  retire(): void {
    if (this.#retired.includes(this.#current)) return;
    this.#retired.push(this.#current);
    // Who has just been told that a record is in the kernel may now ask for the disk.
    setImmediate(() => {
      if (this.#wasAsked) this.synced().catch(() => undefined);
      else this.#closeRetired();
    });
  }

  /**
   * @returns when everything that is in the kernel now is on the disk
   * @throws the system's error (as a rejection)
   */
  synced(): Promise<void> {
    this.#wasAsked = true;
    if (this.#round?.writes === this.#writes) return this.#round.done;
    const next = (this.#next ??= Promise.withResolvers());
    if (this.#round === undefined) this.#begin();
    return next.promise;
  }

  #begin(): void {
    const waiting = this.#next;
    if (waiting === undefined) return;
    this.#next = undefined;
    this.#round = { writes: this.#writes, done: waiting.promise };
    const full = this.#retired;
    this.#retired = [];
    this.#sync(full).then(
      () => {
        this.#round = undefined;
        waiting.resolve();
        this.#begin();
      },
      (error: unknown) => this.#fail(waiting, error),
    );
  }

  /** What the kernel could not write it may have forgotten: nobody who waits is told that it is on the disk, and the file takes no more. */
  #fail(waiting: PromiseWithResolvers<void>, error: unknown): void {
    this.#current.close();
    this.#onFault(error);
    waiting.reject(error);
    this.#next?.reject(error);
    this.#next = undefined;
    this.#round = undefined;
  }

  async #sync(full: readonly SyncedFile[]): Promise<void> {
    const dirIsStale = this.#dirIsStale;
    this.#dirIsStale = false;
    try {
      const files = [...full, this.#current].map((file) => file.sync());
      if (dirIsStale) files.push(this.#syncDir());
      await Promise.all(files);
    } catch (error) {
      this.#dirIsStale = true;
      throw error;
    } finally {
      for (const file of full) file.close();
    }
  }

  async #syncDir(): Promise<void> {
    const fd = openSync(this.#dir, 'r');
    try {
      await syncFile(fd);
    } finally {
      closeSync(fd);
    }
  }

  #closeRetired(): void {
    for (const file of this.#retired) file.close();
    this.#retired = [];
  }
}
