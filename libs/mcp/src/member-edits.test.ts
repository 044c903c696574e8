import fc from 'fast-check';
import { membersOf } from './json-walk.js';
import { memberEdits, type MemberChanges, prependEdit } from './member-edits.js';
import { splice } from './splice.js';

function changed(text: string, changes: MemberChanges): string {
  const bytes = Buffer.from(text);
  const object = { start: text.indexOf('{'), end: bytes.length };
  return splice(bytes, memberEdits(object, membersOf(bytes, object) ?? [], changes)).toString('utf8');
}

describe('changing members of an object', () => {
  it.each<readonly [id: string, text: string, changes: MemberChanges, expected: string]>([
    ['ME-nothing', '{ "a":1 }', {}, '{ "a":1 }'],
    ['ME-not-there', '{"a":1}', { b: undefined }, '{"a":1}'],
    ['ME-remove-first', '{"a":1 , "b":2}', { a: undefined }, '{"b":2}'],
    ['ME-remove-last', '{"a":1 , "b":2}', { b: undefined }, '{"a":1}'],
    ['ME-remove-middle', '{"a":1,"b":2,"c":3}', { b: undefined }, '{"a":1,"c":3}'],
    ['ME-remove-leading-two', '{ "a":1,"b":2,"c":3 }', { a: undefined, b: undefined }, '{ "c":3 }'],
    ['ME-remove-trailing-two', '{"a":1,"b":2,"c":3}', { b: undefined, c: undefined }, '{"a":1}'],
    ['ME-remove-all-but-middle', '{"a":1,"b":2,"c":3}', { a: undefined, c: undefined }, '{"b":2}'],
    ['ME-remove-all', '{ "a":1,"b":2 }', { a: undefined, b: undefined }, '{  }'],
    ['ME-replace', '{"a": 1.0 ,"b":2e0}', { a: '"x"' }, '{"a": "x" ,"b":2e0}'],
    ['ME-add', '{"a":1.50}', { b: '2', c: '3' }, '{"a":1.50,"b":2,"c":3}'],
    ['ME-add-to-empty', '{}', { b: '2', c: '3' }, '{"b":2,"c":3}'],
    ['ME-add-after-the-one-that-stays', '{"a":1,"x":2,"y":3}', { x: undefined, y: undefined, b: '2' }, '{"a":1,"b":2}'],
    ['ME-add-where-all-goes', '{"x":2,"y":3}', { x: undefined, y: undefined, b: '2' }, '{"b":2}'],
    ['ME-replace-the-last-and-add', '{"a":1}', { a: '9', b: '2' }, '{"a":9,"b":2}'],
    ['ME-twice-becomes-once', '{"a":1,"b":2,"a":3}', { a: '9' }, '{"a":9,"b":2}'],
    ['ME-twice-removed', '{"a":1,"b":2,"\\u0061":3}', { a: undefined }, '{"b":2}'],
    ['ME-inherited-names', '{"constructor":1,"toString":2}', { a: undefined }, '{"constructor":1,"toString":2}'],
    ['ME-not-at-0', ' {"a":1}', { a: undefined }, ' {}'],
  ])('%s', (_id, text, changes, expected) => {
    expect(changed(text, changes)).toBe(expected);
  });

  it('does what changing the parsed object does', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', '_meta', '');
    const members = fc.array(fc.tuple(key, fc.jsonValue({ maxDepth: 2 })), { maxLength: 8 });
    const change = fc.dictionary(
      key,
      fc.option(
        fc.jsonValue({ maxDepth: 1 }).map((value) => JSON.stringify(value)),
        { nil: undefined },
      ),
    );
    fc.assert(
      fc.property(members, change, fc.constantFrom('', ' ', '\n\t'), (list, changes, space) => {
        const inner = list.map(
          ([name, value]) => `${space}${JSON.stringify(name)}${space}:${space}${JSON.stringify(value)}${space}`,
        );
        const text = `{${inner.join(',')}${inner.length === 0 ? space : ''}}`;
        const expected = { ...(JSON.parse(text) as Record<string, unknown>) };
        for (const [name, json] of Object.entries(changes)) {
          if (json === undefined) delete expected[name];
          else expected[name] = JSON.parse(json);
        }
        expect(JSON.parse(changed(text, changes))).toEqual(expected);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['PE-empty', '{}', '{"a":1}'],
    ['PE-empty-with-space', '{ \n}', '{"a":1 \n}'],
    ['PE-members', '{ "b":2}', '{"a":1, "b":2}'],
  ])('%s: puts one in front', (_id, text, expected) => {
    const bytes = Buffer.from(text);
    expect(splice(bytes, [prependEdit(bytes, { start: 0, end: bytes.length }, 'a', '1')]).toString('utf8')).toBe(expected);
  });
});
