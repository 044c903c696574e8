import { firstLink } from './chain.js';
import { renderOpenEvent } from './render-event.js';
import { decodeRecord, encodeRecord, sealRecords } from './spool-record.js';

const lineFeed = 10;

/** The first lines of one epoch, as a spool makes them. */
export function trailOf(emitter: string, epoch: number, count: number): Buffer[] {
  const texts = Array.from({ length: count }, (_, index) => {
    const sequence = index + 1;
    const identity = { tenant: 'default', emitter, epoch, sequence, recordedAtMs: epoch + index };
    const fields = { type: 'tool.called', outcome: 'ok', capability: 'echo', request_id: `request-${index}` } as const;
    return encodeRecord(sequence, epoch + index, renderOpenEvent(fields, identity));
  });
  return relinked(emitter, epoch, Buffer.from(texts.join(''), 'latin1'));
}

function relinked(emitter: string, epoch: number, records: Buffer): Buffer[] {
  sealRecords(records, firstLink(emitter, epoch));
  const lines: Buffer[] = [];
  for (let start = 0, end = records.indexOf(lineFeed); end >= 0; start = end + 1, end = records.indexOf(lineFeed, start)) {
    lines.push(records.subarray(decodeRecord(records, start, end)?.jsonStart, end));
  }
  return lines;
}

/** A line with something else in it. */
export const edited = (line: Buffer, from: string, to: string) =>
  Buffer.from(line.toString('latin1').replace(from, to), 'latin1');

/** Links lines anew from the beginning, as somebody could who can write the database. */
export function forged(emitter: string, epoch: number, lines: readonly Buffer[]): Buffer[] {
  const texts = lines.map((line, index) =>
    encodeRecord(index + 1, epoch, line.toString('latin1').replace(/,"chain":"[\w-]{43}"}$/, '')),
  );
  return relinked(emitter, epoch, Buffer.from(texts.join(''), 'latin1'));
}
