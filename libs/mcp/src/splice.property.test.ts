import fc from 'fast-check';
import { gated } from './gated.fixture.js';
import { splice, type Edit } from './splice.js';

/** Byte by byte: what is inserted at a place, then what replaces the bytes from there on; undefined where edits get in each other's way. */
function reference(bytes: Buffer, edits: readonly Edit[]): Buffer | undefined {
  const isOutside = edits.some(({ range }) => range.start < 0 || range.end < range.start || range.end > bytes.length);
  const replacements = edits.filter(({ range }) => range.end > range.start);
  const insertions = edits.filter(({ range }) => range.end === range.start);
  const covering = (at: number) => replacements.filter(({ range }) => range.start <= at && at < range.end).length;
  const isInside = (at: number) => replacements.some(({ range }) => range.start < at && at < range.end);
  if (isOutside || bytes.some((_byte, at) => covering(at) > 1) || insertions.some(({ range }) => isInside(range.start)))
    return undefined;
  const parts: Buffer[] = [];
  for (let at = 0; at <= bytes.length; at += 1) {
    for (const { range, text } of insertions) if (range.start === at) parts.push(Buffer.from(text));
    for (const { range, text } of replacements) if (range.start === at) parts.push(Buffer.from(text));
    if (covering(at) === 0) parts.push(bytes.subarray(at, at + 1));
  }
  return Buffer.concat(parts);
}

const TEXT = fc.oneof(fc.constantFrom('', 'x', '\ud800'), fc.string({ unit: 'grapheme', maxLength: 6 }));
const EDIT = fc
  .tuple(fc.nat(30), fc.nat(4), TEXT)
  .map(([start, length, text]): Edit => ({ range: { start, end: start + length }, text }));

describe('splice, for all bytes and edits', () => {
  it('does what editing byte by byte does, and refuses exactly what overlaps', () => {
    let done = 0;
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 40 }), fc.array(EDIT, { maxLength: 5 }), (array, edits) => {
        const bytes = Buffer.from(array);
        const before = Buffer.from(bytes);
        const expected = reference(bytes, edits);
        if (expected === undefined) expect(() => splice(bytes, edits)).toThrow(RangeError);
        else expect(splice(bytes, edits).equals(expected)).toBe(true);
        expect(bytes.equals(before)).toBe(true);
        done += expected === undefined ? 0 : 1;
      }),
      { numRuns: 3_000 },
    );
    expect(done).toBeGreaterThan(300);
  });

  it('changes of a message what it is told to, and keeps the text of everything else', () => {
    const json = fc.oneof(
      fc.constantFrom('1.0', '1e400', '-0', '"\\u0061\\/"', '{ "a" : 1.50 }'),
      fc.jsonValue().map((value) => JSON.stringify(value)),
    );
    const id = fc.constantFrom('0', '-1', '"a"', '"\\ud83d\\ude00"', '9007199254740992');
    const name = fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify(text));
    fc.assert(
      fc.property(json, json, id, id, name, name, (before, after, oldId, newId, oldName, newName) => {
        const text = (own: string, named: string) =>
          `{"x":${before},"jsonrpc":"2.0","id": ${own} ,"method":"m","params":{"name":${named},"arguments":${after}}}`;
        const { bytes, envelope } = gated(text(oldId, oldName));
        const edits = [
          { range: envelope.nameRange, text: newName },
          { range: envelope.idRange, text: newId },
        ].flatMap(({ range, text: replacement }) => (range ? [{ range, text: replacement }] : []));
        const spliced = gated(splice(bytes, edits));
        expect(spliced.bytes.toString('utf8')).toBe(text(newId, newName));
        expect(spliced.envelope).toMatchObject({ id: newId, name: JSON.parse(newName) as string });
      }),
    );
  });
});
