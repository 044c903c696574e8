import fc from 'fast-check';
import { compilePatterns } from './patterns.js';

describe('compilePatterns', () => {
  it.each([
    ['literal', ['echo'], 'echo', true],
    ['literal-case', ['echo'], 'Echo', false],
    ['literal-part', ['echo'], 'echo2', false],
    ['none', [], 'echo', false],
    ['empty-pattern', [''], '', true],
    ['empty-pattern-other', [''], 'a', false],
    ['any', ['*'], '', true],
    ['any-name', ['*'], 'a\nb', true],
    ['head', ['get_*'], 'get_', true],
    ['head-other', ['get_*'], 'xget_', false],
    ['tail', ['*_get'], 'a_get', true],
    ['tail-other', ['*_get'], 'a_get_', false],
    ['both', ['a*a'], 'aa', true],
    ['both-overlap', ['a*a'], 'a', false],
    ['overlap-long', ['abc*bcd'], 'abcd', false],
    ['middle', ['a*b*c'], 'a-b-b-c', true],
    ['middle-order', ['a*b*c*d'], 'a-c-b-d', false],
    ['middle-into-tail', ['*ab*b'], 'ab', false],
    ['middle-twice', ['*ab*ab*'], 'abab', true],
    ['middle-once', ['*ab*ab*'], 'aba', false],
    ['stars', ['a**b'], 'ab', true],
    ['dot-is-a-dot', ['a.b'], 'axb', false],
    ['question-is-a-question', ['a?'], 'ab', false],
    ['brackets-are-brackets', ['[a]*'], '[a]b', true],
    ['one-of-many', ['a', 'b*', 'c'], 'bb', true],
    ['none-of-many', ['a', 'b*', 'c'], 'cc', false],
  ])('%s', (_id, patterns, name, expected) => {
    expect(compilePatterns(patterns)(name)).toBe(expected);
  });

  it('agrees with a regular expression', () => {
    const alphabet = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.'), maxLength: 8 });
    fc.assert(
      fc.property(fc.array(alphabet, { maxLength: 3 }), alphabet, (patterns, name) => {
        const expected = patterns.some((pattern) =>
          new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`, 's').test(name),
        );
        expect(compilePatterns(patterns)(name)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  it('comes to an end on what makes regular expressions backtrack', () => {
    expect(compilePatterns([`${'*a'.repeat(30)}*b`])('a'.repeat(100_000))).toBe(false);
  });
});
