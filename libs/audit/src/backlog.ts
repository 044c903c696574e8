import type { Logger } from '@switchyard/telemetry';
import { closeSync, openSync, readdirSync, readSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { CursorFile } from './cursor-file.js';
import type { OpenIntents } from './open-intents.js';
import { RecentWrites } from './recent-writes.js';
import { compareSegments, parseSegmentFileName, segmentFileName, type SegmentId, type SpoolPosition } from './segment.js';

/** A segment file with what is known of it. */
export interface Segment {
  readonly id: SegmentId;
  readonly path: string;
  /** Bytes that may be read. */
  readonly bytes: number;
  /** Nothing is appended to it any more. */
  readonly sealed: boolean;
}

type MutableSegment = { -readonly [Key in keyof Segment]: Segment[Key] };

/** What a spool holds that has not been forwarded: segment files in order, and the position up to which they are done. */
export class Backlog {
  readonly recent = new RecentWrites();
  readonly #dir: string;
  readonly #log: Logger;
  readonly #cursor: CursorFile;
  readonly #intents: OpenIntents;
  readonly #segments: MutableSegment[];
  /** Forwarded, and to be deleted. */
  #done: MutableSegment[] = [];
  #position: SpoolPosition = { segment: { epoch: 0, number: 0 }, offset: 0 };
  #depthBytes: number;

  private constructor(dir: string, intents: OpenIntents, log: Logger) {
    this.#dir = dir;
    this.#intents = intents;
    this.#log = log;
    this.#cursor = CursorFile.open(path.join(dir, 'cursor'));
    this.#segments = leftovers(dir);
    this.#depthBytes = this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
    if (this.#cursor.initial) this.release(this.#cursor.initial);
  }

  /**
   * Opens a directory; leftovers of earlier boots are part of the backlog.
   * @param intents what is to be known of segments that are deleted
   * @throws the system's error
   */
  static open(dir: string, intents: OpenIntents, log: Logger): Backlog {
    return new Backlog(dir, intents, log);
  }

  /** Bytes that have not been forwarded. */
  get depthBytes(): number {
    return this.#depthBytes;
  }

  /** Up to where everything has been forwarded. */
  get position(): SpoolPosition {
    return this.#position;
  }

  /** Greatest epoch that this directory has seen, 0 where there was none. */
  get latestEpoch(): number {
    return Math.max(this.#position.segment.epoch, ...this.#segments.map(({ id }) => id.epoch));
  }

  /** Path of a segment that is about to be made. */
  pathOf(id: SegmentId): string {
    return path.join(this.#dir, segmentFileName(id));
  }

  /** A new, empty segment at the end; the one before it is sealed. */
  begin(id: SegmentId): void {
    this.seal();
    this.#segments.push({ id, path: this.pathOf(id), bytes: 0, sealed: false });
  }

  /** Whole records have been written at the end of the last segment. */
  grow(data: Buffer): void {
    const last = this.#segments.at(-1);
    if (last === undefined) throw new Error('no segment has begun');
    this.recent.add(last.id, last.bytes, data);
    last.bytes += data.length;
    this.#depthBytes += data.length;
  }

  /** Nothing is appended to the last segment any more. */
  seal(): void {
    const last = this.#segments.at(-1);
    if (last) last.sealed = true;
  }

  /** Deletes what has been forwarded; what is sealed since, nobody else would before the next release. */
  drop(): void {
    for (let first = this.#segments[0]; first !== undefined && this.#isFinished(first); first = this.#segments[0]) {
      this.#segments.shift();
      this.#done.push(first);
    }
    if (this.#done.length === 0) return;
    const kept = this.#intents.keep();
    if (kept === undefined) this.#removeDone();
    else
      kept.then(
        () => this.#removeDone(),
        (error: unknown) => this.#tellKept(error),
      );
  }

  /** First segment at or after an id. */
  from(id: SegmentId): Segment | undefined {
    return this.#segments.find((segment) => compareSegments(segment.id, id) >= 0);
  }

  /** First segment after an id. */
  after(id: SegmentId): Segment | undefined {
    return this.#segments.find((segment) => compareSegments(segment.id, id) > 0);
  }

  /** Everything before a position has been forwarded: remembers that, and deletes the segments that are done. */
  release(position: SpoolPosition): void {
    this.#depthBytes -= this.#bytesBetween(this.#position, position);
    this.#position = position;
    this.#saveCursor(position);
    this.drop();
  }

  /** When the oldest record that has not been forwarded was recorded; undefined where there is none. */
  oldestRecordedAtMs(): number | undefined {
    if (this.#depthBytes === 0) return undefined;
    const segment = this.#segments.find(({ id, bytes }) => this.#offsetIn(id) < bytes);
    return segment === undefined ? undefined : recordedAt(segment.path, this.#offsetIn(segment.id));
  }

  close(): void {
    this.drop();
    this.#cursor.close();
  }

  #offsetIn(id: SegmentId): number {
    return compareSegments(id, this.#position.segment) === 0 ? this.#position.offset : 0;
  }

  #bytesBetween(from: SpoolPosition, to: SpoolPosition): number {
    const upTo = (id: SegmentId, bytes: number, position: SpoolPosition) => {
      const order = compareSegments(id, position.segment);
      return order < 0 ? bytes : order > 0 ? 0 : Math.min(position.offset, bytes);
    };
    return this.#segments.reduce((sum, { id, bytes }) => sum + upTo(id, bytes, to) - upTo(id, bytes, from), 0);
  }

  // A cursor that stays behind only means that some events are forwarded twice; readers know them by their id.
  #saveCursor(position: SpoolPosition): void {
    try {
      this.#cursor.write(position);
    } catch (error) {
      this.#log.error('the cursor of the audit spool could not be written', { file: this.#dir, error });
    }
  }

  #removeDone(): void {
    for (const segment of this.#done) this.#remove(segment);
    this.#done = [];
  }

  /** What is done is deleted with what is done next. */
  #tellKept(error: unknown): void {
    this.#log.error('open intents could not be written down, so that forwarded segments of the audit spool stay', {
      file: this.#dir,
      error,
    });
  }

  #isFinished({ id, bytes, sealed }: Segment): boolean {
    const order = compareSegments(id, this.#position.segment);
    return sealed && (order < 0 || (order === 0 && this.#position.offset >= bytes) || bytes === 0);
  }

  #remove({ path: file }: Segment): void {
    try {
      rmSync(file, { force: true });
    } catch (error) {
      this.#log.error('a forwarded segment of the audit spool could not be deleted', { file, error });
    }
  }
}

function leftovers(dir: string): MutableSegment[] {
  const ids = readdirSync(dir).flatMap((name) => parseSegmentFileName(name) ?? []);
  return ids.sort(compareSegments).map((id) => {
    const file = path.join(dir, segmentFileName(id));
    return { id, path: file, bytes: statSync(file).size, sealed: true };
  });
}

const headBytes = 64;

/** Reads the time out of the record that starts at an offset. */
function recordedAt(file: string, offset: number): number | undefined {
  const fd = openSync(file, 'r');
  try {
    const head = Buffer.alloc(headBytes);
    const atMs = Number(head.toString('latin1', 0, readSync(fd, head, 0, headBytes, offset)).split(' ')[2]);
    return Number.isFinite(atMs) ? atMs : undefined;
  } finally {
    closeSync(fd);
  }
}
