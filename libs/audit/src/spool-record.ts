import { crc32 } from 'node:zlib';

/** One record of a segment file: `<crc32, 8 hex digits> <sequence> <recorded at, ms since 1970> <JSON>` and a line feed. */
export interface SpoolRecord {
  readonly sequence: number;
  readonly recordedAtMs: number;
  /** The JSON text. */
  readonly json: Buffer;
}

const space = 0x20;
const checksumLength = 8;

/** Writes one record. The checksum covers everything behind it but the line feed. */
export function encodeRecord(sequence: number, recordedAtMs: number, json: string): string {
  const body = `${sequence} ${recordedAtMs} ${json}`;
  return `${crc32(body).toString(16).padStart(checksumLength, '0')} ${body}\n`;
}

/**
 * Reads one record.
 * @param line the record without its line feed
 * @returns undefined where the checksum does not fit
 */
export function decodeRecord(line: Buffer): SpoolRecord | undefined {
  const body = line.subarray(checksumLength + 1);
  if (line.length <= checksumLength || line[checksumLength] !== space || !hasChecksum(line, crc32(body))) return undefined;
  const sequenceEnd = body.indexOf(space);
  const timeEnd = body.indexOf(space, sequenceEnd + 1);
  if (sequenceEnd < 1 || timeEnd < 0) return undefined;
  return {
    sequence: Number(body.toString('latin1', 0, sequenceEnd)),
    recordedAtMs: Number(body.toString('latin1', sequenceEnd + 1, timeEnd)),
    json: body.subarray(timeEnd + 1),
  };
}

function hasChecksum(line: Buffer, expected: number): boolean {
  return line.toString('latin1', 0, checksumLength) === expected.toString(16).padStart(checksumLength, '0');
}
