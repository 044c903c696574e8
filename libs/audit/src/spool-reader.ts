import type { Logger } from '@switchyard/telemetry';
import { appendFile, open, type FileHandle } from 'node:fs/promises';
import type { Backlog, Segment } from './backlog.js';
import { compareSegments, type SpoolPosition } from './segment.js';
import { decodeRecord, decodeTrusted, type SpoolRecord } from './spool-record.js';

/** Consecutive records of one segment. */
export interface SpoolBatch {
  readonly epoch: number;
  /** Sequence of the first and of the last record; both 0 where the batch has none. */
  readonly first: number;
  readonly last: number;
  /** JSON texts, a line feed after each. Empty where everything that was read is damaged. */
  readonly lines: Buffer;
  /** Place behind the batch. */
  readonly end: SpoolPosition;
}

const lineFeed = 0x0a;

/** Reads a backlog from its position on. Damaged records go to a `.bad` file beside their segment, the rest goes on. */
export class SpoolReader {
  readonly #backlog: Backlog;
  readonly #log: Logger;
  #position: SpoolPosition;
  #open: { readonly path: string; readonly handle: FileHandle } | undefined;

  constructor(backlog: Backlog, log: Logger) {
    this.#backlog = backlog;
    this.#log = log;
    this.#position = backlog.position;
  }

  /**
   * Reads on.
   * @param limitBytes most bytes to read, unless one record is longer
   * @returns undefined where everything has been read
   * @throws the system's error; reading may be tried again
   */
  async next(limitBytes: number): Promise<SpoolBatch | undefined> {
    const place = this.#place();
    if (place === undefined) {
      // A file that is deleted takes its room on the disk until nobody has it open.
      if (this.#open !== undefined) await this.close();
      return undefined;
    }
    const { segment, offset } = place;
    const recent = this.#backlog.recent.take(segment.id, offset, limitBytes);
    const batch =
      recent === undefined
        ? await this.#decode(segment, offset, [await this.#wholeRecords(segment, offset, limitBytes)], decodeRecord)
        : await this.#decode(segment, offset, recent, decodeTrusted);
    this.#position = batch.end;
    return batch;
  }

  async close(): Promise<void> {
    await this.#open?.handle.close();
    this.#open = undefined;
  }

  /** First segment with bytes to read. */
  #place(): { readonly segment: Segment; readonly offset: number } | undefined {
    const { segment: id, offset } = this.#position;
    const current = this.#backlog.from(id);
    const start = current !== undefined && compareSegments(current.id, id) === 0 ? offset : 0;
    for (let segment = current, from = start; segment !== undefined; segment = this.#backlog.after(segment.id), from = 0) {
      if (from < segment.bytes) return { segment, offset: from };
      if (!segment.sealed) return undefined;
    }
    return undefined;
  }

  /** Bytes up to the last line feed within the limit; to the end of the segment where there is none up to there. */
  async #wholeRecords(segment: Segment, offset: number, limitBytes: number): Promise<Buffer> {
    const leftBytes = segment.bytes - offset;
    for (let sizeBytes = Math.min(limitBytes, leftBytes); ; sizeBytes = Math.min(sizeBytes * 2, leftBytes)) {
      const chunk = await this.#read(segment, offset, sizeBytes);
      const whole = chunk.lastIndexOf(lineFeed) + 1;
      if (whole > 0) return chunk.subarray(0, whole);
      if (sizeBytes === leftBytes) return chunk;
    }
  }

  async #read(segment: Segment, offset: number, sizeBytes: number): Promise<Buffer> {
    const chunk = Buffer.allocUnsafe(sizeBytes);
    const handle = await this.#handleOf(segment);
    let filled = 0;
    while (filled < sizeBytes) {
      const { bytesRead } = await handle.read(chunk, filled, sizeBytes - filled, offset + filled);
      if (bytesRead === 0) throw new Error(`${segment.path} is shorter than what was written to it`);
      filled += bytesRead;
    }
    return chunk;
  }

  async #handleOf(segment: Segment): Promise<FileHandle> {
    if (this.#open?.path === segment.path) return this.#open.handle;
    await this.close();
    const handle = await open(segment.path, 'r');
    this.#open = { path: segment.path, handle };
    return handle;
  }

  async #decode(
    segment: Segment,
    offset: number,
    chunks: readonly Buffer[],
    decode: (source: Buffer, start: number, end: number) => SpoolRecord | undefined,
  ): Promise<SpoolBatch> {
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const lines = Buffer.allocUnsafe(bytes);
    const damaged: Buffer[] = [];
    let length = 0;
    let first = 0;
    let last = 0;
    for (const chunk of chunks) {
      let start = 0;
      for (let stop = chunk.indexOf(lineFeed); stop >= 0; stop = chunk.indexOf(lineFeed, start)) {
        const record = decode(chunk, start, stop);
        if (record === undefined) damaged.push(chunk.subarray(start, stop + 1));
        else {
          length += chunk.copy(lines, length, record.jsonStart, stop + 1);
          first ||= record.sequence;
          last = record.sequence;
        }
        start = stop + 1;
      }
      if (start < chunk.length) this.#tellTorn(segment, chunk.length - start);
    }
    if (damaged.length > 0) await this.#quarantine(segment, damaged);
    const end = { segment: segment.id, offset: offset + bytes };
    return { epoch: segment.id.epoch, first, last, lines: lines.subarray(0, length), end };
  }

  #tellTorn({ path: file }: Segment, bytes: number): void {
    this.#log.info('a torn record at the end of the audit spool was dropped', { file, bytes });
  }

  async #quarantine(segment: Segment, damaged: readonly Buffer[]): Promise<void> {
    const file = `${segment.path}.bad`;
    await appendFile(file, Buffer.concat(damaged), { mode: 0o600 });
    this.#log.error('damaged records of the audit spool were put aside', { file, count: damaged.length });
  }
}
