import fc from 'fast-check';
import { decodeRecord, encodeRecord, fillChecksums } from './spool-record.js';

/** A record as it stands in a segment, without its line feed. */
function recordOf(sequence: number, recordedAtMs: number, json: string): Buffer {
  const record = Buffer.from(encodeRecord(sequence, recordedAtMs, json));
  fillChecksums(record);
  return record.subarray(0, -1);
}

describe('a record of the spool', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.json(), (sequence, atMs, json) => {
        const record = decodeRecord(recordOf(sequence, atMs, json));
        expect(record).toMatchObject({ sequence, recordedAtMs: atMs });
        expect(record?.json.toString()).toBe(Buffer.from(json).toString());
      }),
    );
  });

  it('is refused where any one byte of it changed', () => {
    const good = recordOf(1, 1767225600000, '{"type":"tool.called"}');
    for (let index = 0; index < good.length; index++) {
      const bad = Buffer.from(good);
      bad.writeUInt8(good.readUInt8(index) ^ 1, index);
      expect(decodeRecord(bad)).toBeUndefined();
    }
  });

  it.each([
    ['empty', ''],
    ['short', '0000'],
    ['checksum-only', '00000000 '],
    ['checksum-without-fields', '00000000 1'],
    ['not-hexadecimal', 'zzzzzzzz 1 2 {}'],
  ])('%s: is refused', (_id, text) => {
    expect(decodeRecord(Buffer.from(text))).toBeUndefined();
  });
});
