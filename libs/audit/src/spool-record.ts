import { crc32 } from 'node:zlib';
import { chainMember, writeLink } from './chain.js';
import { flat } from './flat.js';

/** One record of a segment file: `<crc32, 8 hex digits> <sequence> <recorded at, ms since 1970> <JSON>` and a line feed. */
export interface SpoolRecord {
  readonly sequence: number;
  readonly recordedAtMs: number;
  /** Where the JSON text begins. */
  readonly jsonStart: number;
}

const space = 0x20;
const lineFeed = 0x0a;
const checksumLength = 8;
const noChecksum = '0'.repeat(checksumLength);
const beforeSequence = `${noChecksum} `;
const afterMembers = flat(`${chainMember}\n`);
const hexDigits = '0123456789abcdef';

/**
 * Writes one record whose link and checksum are still to be filled in.
 * @param open an object with members, of ASCII alone, without its closing brace: to take it away here would copy the whole text
 */
export function encodeRecord(sequence: number, recordedAtMs: number, open: string): string {
  return `${beforeSequence}${sequence}${timeText(recordedAtMs)}${open}${afterMembers}`;
}

let latestTime = { ms: Number.NaN, text: '' };

/** What is recorded in one turn of the event loop has the same time, mostly. */
function timeText(ms: number): string {
  if (latestTime.ms !== ms) latestTime = { ms, text: flat(` ${ms} `) };
  return latestTime.text;
}

/**
 * Fills in what `encodeRecord` has left room for: each record is linked to the one before it, and its checksum covers everything
 * behind it but the line feed.
 * @param link of the last record before these
 * @returns link of the last of these
 */
export function sealRecords(records: Buffer, link: string): string {
  let start = 0;
  let last = link;
  for (let end = records.indexOf(lineFeed); end >= 0; end = records.indexOf(lineFeed, start)) {
    const body = start + checksumLength + 1;
    last = writeLink(records, jsonStart(records, body), end, last);
    writeHex(records, start, crc32(records.subarray(body, end)));
    start = end + 1;
  }
  return last;
}

const jsonStart = (records: Buffer, body: number) => records.indexOf(space, records.indexOf(space, body) + 1) + 1;

function writeHex(target: Buffer, offset: number, value: number): void {
  for (let digit = 0; digit < checksumLength; digit++) {
    target[offset + digit] = hexDigits.charCodeAt((value >>> (28 - 4 * digit)) & 0xf);
  }
}

/**
 * Reads the record that stands in bytes [start, end), without its line feed.
 * @returns undefined where the checksum does not fit
 */
export function decodeRecord(source: Buffer, start: number, end: number): SpoolRecord | undefined {
  const body = start + checksumLength + 1;
  if (end < body || source[body - 1] !== space) return undefined;
  if (readHex(source, start) !== crc32(source.subarray(body, end))) return undefined;
  return decodeTrusted(source, start, end);
}

/** The same for bytes that this process has made itself: their checksum is not looked at. */
export function decodeTrusted(source: Buffer, start: number, end: number): SpoolRecord | undefined {
  const body = start + checksumLength + 1;
  const sequenceEnd = source.indexOf(space, body);
  const timeEnd = source.indexOf(space, sequenceEnd + 1);
  if (sequenceEnd <= body || sequenceEnd >= end || timeEnd < 0 || timeEnd >= end) return undefined;
  return {
    sequence: readDecimal(source, body, sequenceEnd),
    recordedAtMs: readDecimal(source, sequenceEnd + 1, timeEnd),
    jsonStart: timeEnd + 1,
  };
}

const zero = 0x30;

// By hand: one string per number would cost more than everything else here.
function readDecimal(source: Buffer, start: number, end: number): number {
  let value = 0;
  for (let index = start; index < end; index++) value = value * 10 + ((source[index] ?? zero) - zero);
  return value;
}

/** Reads the checksum in front; NaN where it is not one. */
function readHex(source: Buffer, start: number): number {
  let value = 0;
  for (let index = 0; index < checksumLength; index++) {
    const digit = hexValue(source[start + index] ?? 0);
    if (digit < 0) return Number.NaN;
    value = value * 16 + digit;
  }
  return value;
}

function hexValue(code: number): number {
  if (code >= zero && code <= 0x39) return code - zero;
  return code >= 0x61 && code <= 0x66 ? code - 0x57 : -1;
}
