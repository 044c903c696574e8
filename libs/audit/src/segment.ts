/** Names one segment file of a spool. */
export interface SegmentId {
  /** Boot that wrote it, milliseconds since 1970. */
  readonly epoch: number;
  /** Position within the boot, from 1. */
  readonly number: number;
}

/** A place in a spool: everything before it has been read. */
export interface SpoolPosition {
  readonly segment: SegmentId;
  /** Bytes into the segment. */
  readonly offset: number;
}

const namePattern = /^(\d+)-(\d+)\.spool$/;

/** File name of a segment, for example `1767225600000-1.spool`. */
export function segmentFileName({ epoch, number }: SegmentId): string {
  return `${epoch}-${number}.spool`;
}

/** Reads a file name; undefined where it is not one of a segment. */
export function parseSegmentFileName(name: string): SegmentId | undefined {
  const match = namePattern.exec(name);
  return match === null ? undefined : { epoch: Number(match[1]), number: Number(match[2]) };
}

/** Orders segments as they were written. */
export function compareSegments(a: SegmentId, b: SegmentId): number {
  return a.epoch - b.epoch || a.number - b.number;
}
