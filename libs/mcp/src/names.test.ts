import fc from 'fast-check';
import { exposedName } from './names.js';

const SAFE = /^[A-Za-z0-9_.-]{1,64}$/;

describe('exposedName', () => {
  it.each([
    ['fits', 'tracker__', 'get_issue', 'tracker__get_issue'],
    ['no-prefix', '', 'get-issue.v2', 'get-issue.v2'],
    ['64', 'p_', 'x'.repeat(62), `p_${'x'.repeat(62)}`],
  ])('%s: is kept', (_id, prefix, name, expected) => {
    expect(exposedName(prefix, name)).toBe(expected);
  });

  it.each([
    ['slash', 'p__', 'a/b', /^p__a_b_[0-9a-f]{8}$/],
    ['emoji', '', '😀', /^__[0-9a-f]{8}$/],
    ['empty', '', '', /^_[0-9a-f]{8}$/],
    ['long', 'p__', `${'x'.repeat(80)}_tail`, /^x{50}_tail_[0-9a-f]{8}$/],
  ])('%s: is made safe', (_id, prefix, name, expected) => {
    expect(exposedName(prefix, name)).toMatch(expected);
    expect(exposedName(prefix, name)).toMatch(SAFE);
  });

  it('is what it was yesterday', () => {
    expect(exposedName('p__', 'a/b')).toBe('p__a_b_fe6e1838');
  });

  it('is safe for all names, and different for different ones', () => {
    const name = fc.oneof(
      fc.string({ maxLength: 100, unit: 'binary' }),
      fc.string({ maxLength: 100, unit: fc.constantFrom('a', '/', '\ud800', '\ud801') }),
    );
    const prefix = fc.constantFrom('', 'p__', 'p/', 'x'.repeat(70));
    fc.assert(
      fc.property(prefix, name, name, (before, one, other) => {
        const exposed = exposedName(before, one);
        expect(exposed).toMatch(SAFE);
        expect(exposedName(before, one)).toBe(exposed);
        expect(exposedName(before, other) === exposed).toBe(one === other);
      }),
      { numRuns: 1_000 },
    );
  });
});
