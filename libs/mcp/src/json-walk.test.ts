import fc from 'fast-check';
import { elementsOf, jsonAt, memberAt, membersOf, sliceAt, stringAt } from './json-walk.js';

const all = (text: string) => ({ bytes: Buffer.from(text), range: { start: 0, end: Buffer.byteLength(text) } });

describe('reading parts of a message', () => {
  it('finds the members that JSON.parse finds, in order', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()), fc.constantFrom(0, 2), (object, indent) => {
        const { bytes, range } = all(JSON.stringify(object, undefined, indent));
        const members = membersOf(bytes, range)?.map(({ key, keyRange, value }) => [
          key,
          stringAt(bytes, keyRange),
          jsonAt(bytes, value),
        ]);
        expect(members).toEqual(
          Object.entries(JSON.parse(bytes.toString('utf8')) as object).map(([key, value]: [string, unknown]) => [
            key,
            key,
            value,
          ]),
        );
      }),
    );
  });

  it('finds the elements that JSON.parse finds', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), (array) => {
        const { bytes, range } = all(JSON.stringify(array));
        expect(elementsOf(bytes, range)?.map((element) => jsonAt(bytes, element))).toEqual(JSON.parse(JSON.stringify(array)));
      }),
    );
  });

  it.each([
    ['JW-object', '{"a":{"b":1.0}}', ['a', 'b'], '1.0'],
    ['JW-last-of-two', '{"a":1,"a":2}', ['a'], '2'],
    ['JW-escaped-key', '{"\\u0061":[]}', ['a'], '[]'],
    ['JW-missing', '{"a":1}', ['b'], undefined],
    ['JW-through-a-number', '{"a":1}', ['a', 'b'], undefined],
    ['JW-no-object', '[{"a":1}]', ['a'], undefined],
    ['JW-no-path', ' {} ', [], ' {} '],
  ])('%s', (_id, text, path, expected) => {
    const { bytes, range } = all(text);
    const found = memberAt(bytes, range, ...path);
    expect(found && sliceAt(bytes, found)).toBe(expected);
  });

  it.each(['{"a":', '{"a"', '[1,', '{"a":tru}', '["', '{1:2}', '[1 2'])('throws on what has not passed the gate: %s', (text) => {
    const { bytes, range } = all(text);
    expect(() => membersOf(bytes, range) ?? elementsOf(bytes, range)).toThrow(/not passed the gate/);
  });
});
