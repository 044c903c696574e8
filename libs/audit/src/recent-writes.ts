import { compareSegments, type SegmentId } from './segment.js';

/** Consecutive records as they were written, and where they stand. */
interface Written {
  readonly segment: SegmentId;
  readonly offset: number;
  readonly data: Buffer;
}

/** Most that is kept; a forwarder that lags behind more reads its files. */
const KEPT_BYTES = 4 * 1024 ** 2;
const LINE_FEED = 0x0a;

/** What this process has written last, so that it need not be read back, and checked, to be forwarded. */
export class RecentWrites {
  readonly #written: Written[] = [];
  #bytes = 0;

  /** Keeps whole records that are in the kernel. Calls come in the order of the spool. */
  add(segment: SegmentId, offset: number, data: Buffer): void {
    this.#written.push({ segment, offset, data });
    this.#bytes += data.length;
    while (this.#bytes > KEPT_BYTES) this.#drop();
  }

  /**
   * Takes whole records from a place on, of one segment; what stands before it is not kept any longer.
   * @param limitBytes most that is taken, unless one record is longer
   * @returns undefined where they are not kept
   */
  take(segment: SegmentId, offset: number, limitBytes: number): Buffer[] | undefined {
    this.#forget(segment, offset);
    const parts: Buffer[] = [];
    let next = offset;
    let left = limitBytes;
    for (const written of this.#written) {
      const skipped = next - written.offset;
      if (skipped < 0 || skipped >= written.data.length || compareSegments(written.segment, segment) !== 0) break;
      const part = wholeRecords(written.data.subarray(skipped), left);
      if (part === undefined && parts.length > 0) break;
      const taken = part ?? firstRecord(written.data.subarray(skipped));
      parts.push(taken);
      next += taken.length;
      left -= taken.length;
    }
    return parts.length === 0 ? undefined : parts;
  }

  /** What ends before a place. */
  #forget(segment: SegmentId, offset: number): void {
    for (let first = this.#written[0]; first !== undefined; first = this.#written[0]) {
      const order = compareSegments(first.segment, segment);
      if (order > 0 || (order === 0 && first.offset + first.data.length > offset)) return;
      this.#drop();
    }
  }

  #drop(): void {
    this.#bytes -= this.#written.shift()?.data.length ?? 0;
  }
}

/** @returns undefined where not even one record is within the limit */
function wholeRecords(data: Buffer, limitBytes: number): Buffer | undefined {
  if (data.length <= limitBytes) return data;
  const whole = limitBytes <= 0 ? 0 : data.lastIndexOf(LINE_FEED, limitBytes - 1) + 1;
  return whole === 0 ? undefined : data.subarray(0, whole);
}

const firstRecord = (data: Buffer) => data.subarray(0, data.indexOf(LINE_FEED) + 1);
