import fc from 'fast-check';
import { splice } from './splice.js';

const edit = (start: number, end: number, text: string) => ({ range: { start, end }, text });

describe('splice', () => {
  it.each([
    ['none', [], 'abcdef'],
    ['shorter', [edit(1, 4, 'X')], 'aXef'],
    ['longer', [edit(1, 2, 'XYZ')], 'aXYZcdef'],
    ['at the start', [edit(0, 1, '')], 'bcdef'],
    ['at the end', [edit(6, 6, '!')], 'abcdef!'],
    ['all of it', [edit(0, 6, 'é')], 'é'],
    ['in any order', [edit(4, 5, '5'), edit(0, 1, '1'), edit(2, 3, '3')], '1b3d5f'],
    ['side by side', [edit(2, 4, 'X'), edit(0, 2, 'Y')], 'YXef'],
    ['insertions at one place', [edit(3, 3, '1'), edit(3, 3, '2')], 'abc12def'],
    ['insertion before a replacement', [edit(3, 4, 'D'), edit(3, 3, '>')], 'abc>Def'],
    ['characters of several bytes', [edit(2, 3, '😀é')], 'ab😀édef'],
  ])('%s', (_id, edits, expected) => {
    const bytes = Buffer.from('abcdef');
    expect(splice(bytes, edits).toString('utf8')).toBe(expected);
    expect(bytes.toString('utf8')).toBe('abcdef');
  });

  it.each([
    ['overlap', [edit(0, 3, ''), edit(2, 4, '')]],
    ['one inside another', [edit(0, 6, ''), edit(2, 3, '')]],
    ['behind the end', [edit(5, 7, '')]],
    ['before the start', [edit(-1, 0, '')]],
    ['reversed', [edit(3, 2, '')]],
  ])('refuses: %s', (_id, edits) => {
    expect(() => splice(Buffer.from('abcdef'), edits)).toThrow(RangeError);
  });

  it('equals editing the text from its end', () => {
    const cuts = fc.uniqueArray(fc.nat(40), { minLength: 0, maxLength: 8 }).map((places) => places.sort((a, b) => a - b));
    fc.assert(
      fc.property(
        fc.string({ minLength: 41, maxLength: 41 }),
        cuts,
        fc.array(fc.string({ unit: 'grapheme', maxLength: 5 })),
        (text, places, texts) => {
          const edits = texts
            .slice(0, places.length >> 1)
            .map((replacement, index) => edit(places[2 * index] ?? 0, places[2 * index + 1] ?? 0, replacement));
          const expected = edits.reduceRight(
            (whole, { range, text: replacement }) => whole.slice(0, range.start) + replacement + whole.slice(range.end),
            text,
          );
          expect(splice(Buffer.from(text), [...edits].reverse()).toString('utf8')).toBe(expected);
        },
      ),
    );
  });
});
