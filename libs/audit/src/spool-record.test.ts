import fc from 'fast-check';
import { firstLink, readLink } from './chain.js';
import { decodeRecord, encodeRecord, sealRecords } from './spool-record.js';

const link = firstLink('edge-1', 1767225600000);

/** A record as it stands in a segment, without its line feed. */
function recordOf(sequence: number, recordedAtMs: number, json: string): Buffer {
  const record = Buffer.from(encodeRecord(sequence, recordedAtMs, json.slice(0, -1)));
  sealRecords(record, link);
  return record.subarray(0, -1);
}

/** JSON as the spool takes it: of ASCII alone. A member named `chain` is the spool's own. */
function asciiJson({ chain: _chain, ...object }: Record<string, unknown>): string {
  return JSON.stringify(object).replace(/[\x7f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

describe('a record of the spool', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.object(), (sequence, atMs, object) => {
        const json = asciiJson({ first: 1, ...object });
        const text = recordOf(sequence, atMs, json);
        const among = Buffer.concat([Buffer.from('before\n'), text, Buffer.from('\nbehind 1 2 3')]);
        const record = decodeRecord(among, 7, 7 + text.length);
        expect(record).toMatchObject({ sequence, recordedAtMs: atMs });
        const line = among.subarray(record?.jsonStart, 7 + text.length);
        const { chain, ...rest } = JSON.parse(line.toString('latin1')) as { chain: string };
        expect(rest).toEqual(JSON.parse(json));
        expect(readLink(line, link)).toEqual({ written: chain, expected: chain });
      }),
    );
  });

  it('is refused where any one byte of it changed', () => {
    const good = recordOf(1, 1767225600000, '{"type":"tool.called"}');
    for (let index = 0; index < good.length; index++) {
      const bad = Buffer.from(good);
      bad.writeUInt8(good.readUInt8(index) ^ 1, index);
      expect(decodeRecord(bad, 0, bad.length)).toBeUndefined();
    }
  });

  it.each([
    ['empty', ''],
    ['short', '0000'],
    ['checksum-only', '00000000 '],
    ['checksum-without-fields', '00000000 1'],
    ['not-hexadecimal', 'zzzzzzzz 1 2 {}'],
  ])('%s: is refused', (_id, text) => {
    expect(decodeRecord(Buffer.from(`${text}\n1 2 3 4`), 0, text.length)).toBeUndefined();
  });
});
