import type { Clock } from '@switchyard/runtime';
import type { Logger } from '@switchyard/telemetry';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Backlog } from './backlog.js';
import { firstLink } from './chain.js';
import { GroupCommit } from './group-commit.js';
import { OpenIntents } from './open-intents.js';
import { PartialWrite, SegmentFile } from './segment-file.js';
import type { SegmentId } from './segment.js';
import { SpoolFull } from './spool-full.js';
import { SpareRoom } from './spare-room.js';
import { lockSpool } from './spool-lock.js';
import { encodeRecord, sealRecords } from './spool-record.js';

/** What a spool is told when it is opened. */
export interface SpoolOptions {
  /** Directory of its own; made where it is missing. */
  readonly dir: string;
  /** Name of the process, for example `edge-1`. */
  readonly emitter: string;
  /** Most bytes that may wait to be forwarded. The disk holds up to one segment more. */
  readonly limitBytes: number;
  /** Size at which the next segment file begins. */
  readonly segmentBytes: number;
  /** Told of records, without a line feed, that had been taken and could not be written. */
  readonly onLost?: (records: readonly string[]) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Everything appended during one turn of the event loop. */
interface Group {
  text: string;
  readonly firstSequence: number;
  readonly written: PromiseWithResolvers<void>;
}

const probeIntervalMs = 1_000;
const probeBytes = 4_096;
const reserveLimitBytes = 4 * 1024 ** 2;
/** Enough for some hundred open intents. */
const spareLimitBytes = 1024 ** 2;

/** Checksummed records in segment files. A record that was acknowledged is in the kernel: it survives `kill -9` of the process. */
export class Spool {
  readonly backlog: Backlog;
  /** Those that earlier boots have left open are among them. */
  readonly intents: OpenIntents;
  readonly #options: SpoolOptions;
  readonly #unlock: () => void;
  /** Room for what was admitted before the cap was reached. */
  readonly #reserveBytes: number;
  readonly #spare: SpareRoom;
  #segmentId: SegmentId;
  #file: SegmentFile;
  readonly #commit: GroupCommit;
  #sequence = 0;
  #writtenSequence = 0;
  /** Link of the last record that was written. */
  #link: string;
  #isEpochOver = false;
  #group: Group | undefined;
  #fault: unknown;
  #probe: NodeJS.Timeout | undefined;
  #isClosed = false;
  #onWrite: () => void = () => undefined;

  private constructor(options: SpoolOptions, unlock: () => void) {
    this.#options = options;
    this.#unlock = unlock;
    this.intents = OpenIntents.find(options.dir, () => this.#commit.synced(), options.log);
    this.backlog = Backlog.open(options.dir, this.intents, options.log);
    this.#reserveBytes = Math.min(options.limitBytes / 8, reserveLimitBytes);
    this.#spare = new SpareRoom(path.join(options.dir, 'spare'), Math.min(Math.ceil(options.limitBytes / 8), spareLimitBytes));
    // An epoch is never used twice, also where the clock was set back.
    this.#segmentId = { epoch: Math.max(options.clock.now(), this.backlog.latestEpoch + 1), number: 0 };
    this.#link = firstLink(options.emitter, this.epoch);
    this.#file = this.#newSegment();
    this.#commit = new GroupCommit(options.dir, this.#file, (error) => this.#suspend(error));
    this.#spare.take();
  }

  /**
   * Opens a directory for writing; what earlier boots left in it is kept and forwarded.
   * @throws SpoolInUse where another process has it open; else the system's error
   */
  static open(options: SpoolOptions): Spool {
    mkdirSync(options.dir, { recursive: true, mode: 0o700 });
    const unlock = lockSpool(options.dir);
    try {
      return new Spool(options, unlock);
    } catch (error) {
      unlock();
      throw error;
    }
  }

  /** Boot of this spool, milliseconds since 1970; another begins where a write could not be taken back. */
  get epoch(): number {
    return this.#segmentId.epoch;
  }

  /** Sequence of the last record of this boot that is in the kernel, 0 where there is none. */
  get writtenSequence(): number {
    return this.#writtenSequence;
  }

  /** Whether new work should be taken: false near the cap and while the disk refuses writes. What is under way still fits. */
  accepting(): boolean {
    return !this.#isClosed && this.#fault === undefined && this.#fillBytes() < this.#options.limitBytes - this.#reserveBytes;
  }

  /** Whether a record is taken now: also what was admitted before the cap was reached. */
  takes(): boolean {
    return !this.#isClosed && this.#fault === undefined && this.#fillBytes() < this.#options.limitBytes;
  }

  /** Calls back after every write. */
  onWrite(callback: () => void): void {
    this.#onWrite = callback;
  }

  /**
   * Appends one record; everything appended in one turn of the event loop becomes one write.
   * @param render makes the JSON text, of ASCII alone and without its closing brace, given the record's sequence and time
   * @returns when the record is in the kernel
   * @throws SpoolFull (as a rejection) at the cap, or where the disk refuses the write
   */
  append(render: (sequence: number, recordedAtMs: number) => string): Promise<void> {
    if (!this.takes()) return Promise.reject(this.#refusal());
    const nowMs = this.#options.clock.now();
    const record = encodeRecord(this.#sequence + 1, nowMs, render(this.#sequence + 1, nowMs));
    this.#sequence += 1;
    const group = (this.#group ??= this.#beginGroup());
    group.text += record;
    return group.written.promise;
  }

  /** Writes what was appended and not written yet. */
  flush(): void {
    const group = this.#group;
    if (group === undefined) return;
    this.#group = undefined;
    const data = Buffer.from(group.text, 'latin1');
    const link = sealRecords(data, this.#link);
    try {
      this.#file.append(data);
    } catch (error) {
      this.#refuse(group, error);
      return;
    }
    this.#link = link;
    this.#writtenSequence = this.#sequence;
    this.backlog.grow(data);
    this.#commit.wrote();
    group.written.resolve();
    this.#onWrite();
    if (this.#file.bytes >= this.#options.segmentBytes) this.#roll();
  }

  /**
   * @returns when everything that is in the kernel now is on the disk, so that it survives a loss of power. Ask as soon as a record has been
   *   acknowledged; those who ask at once share one fdatasync
   * @throws SpoolFull (as a rejection) where the disk refuses
   */
  async synced(): Promise<void> {
    try {
      await this.#commit.synced();
    } catch (error) {
      throw new SpoolFull('The disk of the audit spool refuses writes.', { cause: error });
    }
  }

  /** Writes what is left and closes the files. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.flush();
    this.#isClosed = true;
    clearTimeout(this.#probe);
    this.#commit.retire();
    this.backlog.seal();
    this.backlog.close();
    this.#unlock();
  }

  #fillBytes(): number {
    return this.backlog.depthBytes + (this.#group?.text.length ?? 0);
  }

  #refusal(): SpoolFull {
    if (this.#fault !== undefined) return new SpoolFull('The disk of the audit spool refuses writes.', { cause: this.#fault });
    return new SpoolFull(this.#isClosed ? 'The audit spool is closed.' : 'The audit spool is at its cap.');
  }

  #beginGroup(): Group {
    setImmediate(() => this.flush());
    return { text: '', firstSequence: this.#sequence, written: Promise.withResolvers() };
  }

  #beginSegment(): void {
    this.#file = this.#newSegment();
    this.#commit.begin(this.#file);
  }

  #newSegment(): SegmentFile {
    const id = { epoch: this.#segmentId.epoch, number: this.#segmentId.number + 1 };
    const file = SegmentFile.create(this.backlog.pathOf(id));
    this.#segmentId = id;
    this.backlog.begin(id);
    return file;
  }

  #beginEpoch(): void {
    this.#isEpochOver = false;
    this.#segmentId = { epoch: Math.max(this.#options.clock.now(), this.epoch + 1), number: 0 };
    this.#sequence = 0;
    this.#writtenSequence = 0;
    this.#link = firstLink(this.#options.emitter, this.epoch);
  }

  #roll(): void {
    try {
      this.#beginSegment();
    } catch (error) {
      this.#suspend(error);
    }
  }

  #refuse(group: Group, error: unknown): void {
    // Sequences that were never written are given out again: a gap means a loss. Where a part may have stayed, nothing can be linked
    // to it, so what comes next is another epoch's.
    if (error instanceof PartialWrite) this.#isEpochOver = true;
    else this.#sequence = group.firstSequence - 1;
    this.#suspend(error);
    this.#options.onLost?.(group.text.split('\n').slice(0, -1));
    group.written.reject(this.#refusal());
  }

  #suspend(error: unknown): void {
    if (this.#fault !== undefined || this.#isClosed) return;
    this.#fault = error;
    // What is written next goes to another file. Where the spool itself has filled the disk, there is room for that only once this
    // one has been forwarded and deleted; and before that, the intents in it that are open are written down.
    this.#spare.give();
    this.#commit.retire();
    this.backlog.seal();
    this.backlog.drop();
    this.#options.log.error('the audit spool cannot be written; new work is refused until it can', {
      file: this.#options.dir,
      error,
    });
    this.#probeLater();
  }

  #probeLater(): void {
    this.#probe = setTimeout(() => this.#tryAgain(), probeIntervalMs).unref();
  }

  #tryAgain(): void {
    const probe = path.join(this.#options.dir, 'probe');
    this.backlog.drop();
    try {
      mkdirSync(this.#options.dir, { recursive: true, mode: 0o700 });
      if (!this.#spare.take()) return this.#probeLater();
      writeFileSync(probe, Buffer.alloc(probeBytes));
      rmSync(probe);
      if (this.#isEpochOver) this.#beginEpoch();
      this.#beginSegment();
    } catch {
      // Already told when it began; the end of it is told below.
      this.#probeLater();
      return;
    }
    this.#fault = undefined;
    this.#options.log.info('the audit spool can be written again', { file: this.#options.dir });
  }
}
