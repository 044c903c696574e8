import fc from 'fast-check';
import { filterCondition } from './filter-sql.js';
import { parseFilter } from './parse-filter.js';
import { parseWords } from './parse-words.js';

describe('a filter', () => {
  it.each([
    ['empty', '   ', 1, /name of a field, found the end/],
    ['unknown-field', 'server = a and user = b', 16, /no field "user"/],
    ['tenant', 'tenant = other', 1, /no field "tenant"/],
    ['no-operator', 'server work', 8, /compared with = != ~ !~, found "work"/],
    ['no-value', 'server =', 9, /a value for server, found the end/],
    ['unknown-operator', 'server == a', 9, /a value for server, found "="/],
    ['order-of-text', 'server > a', 8, /compared with = != ~ !~/],
    ['contains-number', 'duration_us ~ 1', 13, /compared with = != </],
    ['no-number', 'duration_us > many', 15, /is a number/],
    ['too-large-number', 'duration_us > 9223372036854775808', 15, /is a number/],
    ['no-time', 'occurred_at > yesterday', 15, /is a time such as/],
    ['time-without-zone', 'occurred_at > 2026-01-31T12:00:00', 15, /is a time such as/],
    ['map-without-key', 'detail = a', 1, /write detail.<name>/],
    ['part-of-text', 'server.x = a', 1, /has no parts/],
    ['open-quote', 'server = "a', 10, /never closed/],
    ['open-parenthesis', '(server = a', 1, /never closed/],
    ['close-parenthesis', 'server = a)', 11, /"and", "or" or the end, found "\)"/],
    ['missing-and', 'server = a upstream = b', 12, /"and", "or" or the end, found "upstream"/],
    ['lone-exclamation', 'server ! a', 8, /"!" stands alone/],
    ['value-first', '"a" = server', 1, /name of a field, found "a"/],
    ['deep', `${'('.repeat(30)}server = a`, 22, /nested/],
    ['deep-not', `${'not '.repeat(30)}server = a`, 85, /nested/],
    ['many', Array.from({ length: 51 }, () => 'era = a').join(' and '), 601, /50 comparisons/],
    ['semicolon', 'server = a; DROP TABLE events', 13, /"and", "or" or the end, found "DROP"/],
  ])('%s: names the position that cannot be read', (_id, text, position, message) => {
    expect(parseFilter(text)).toEqual({ ok: false, position, message: expect.stringMatching(message) as unknown });
  });

  it('T4 never gets into the text of a query, whatever it says', () => {
    const hostile = fc.stringMatching(/^[^"\\]{1,20}$/).filter((text) => text.trim() !== '');
    fc.assert(
      fc.property(hostile, hostile, (value, other) => {
        const read = parseFilter(`server = "${value}" or capability ~ "${other}"`);
        if (!read.ok) throw new Error(read.message);
        const { text, params } = filterCondition(read.filter);
        expect(text).toBe('(server = {filter_0:String}) OR (positionCaseInsensitiveUTF8(capability, {filter_1:String}) > 0)');
        expect(params).toEqual({ filter_0: value, filter_1: other });
      }),
    );
  });

  it('throws at nothing', () => {
    const part = fc.constantFrom(
      'server',
      ' ',
      '(',
      ')',
      '"',
      '\\',
      '=',
      '!',
      '~',
      'and',
      'or',
      'not',
      '<',
      '-1',
      'teams',
      '.',
      '\n',
    );
    fc.assert(fc.property(fc.array(fc.oneof(part, fc.string())), (parts) => void parseFilter(parts.join(''))));
  });
});

describe('a full-text search', () => {
  it.each([
    ['open-quote', 'a "b c', 3, /never closed/],
    ['open-quote-inside', 'a -"b c', 4, /never closed/],
    ['nothing', '""', 1, /nothing between/],
    ['blank', '  ', 1, /nothing to look for/],
    ['many', 'a b c d e f g h i', 17, /no more than 8/],
  ])('%s: names the position that cannot be read', (_id, text, position, message) => {
    expect(parseWords(text)).toEqual({ ok: false, position, message: expect.stringMatching(message) as unknown });
  });

  it('is words and quoted texts', () => {
    expect(parseWords(' git -push "two words" -"not this"')).toEqual({
      ok: true,
      sought: [
        { text: 'git', isExcluded: false },
        { text: 'push', isExcluded: true },
        { text: 'two words', isExcluded: false },
        { text: 'not this', isExcluded: true },
      ],
    });
  });
});
