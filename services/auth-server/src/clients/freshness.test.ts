import { FRESH, freshForMs } from './freshness.js';

const now = Date.parse('2026-11-21T10:00:00Z');
const minutes = 60_000;

describe('how long an answer may be used (RFC 9111)', () => {
  it.each<[string, Record<string, string | string[]>, number]>([
    ['nothing said', {}, FRESH.unsaidMs],
    ['max-age', { 'cache-control': 'public, Max-Age=600' }, 10 * minutes],
    ['max-age in quotes', { 'cache-control': 'max-age="600"' }, 10 * minutes],
    ['max-age less the age it came with', { 'cache-control': 'max-age=600', age: '300' }, 5 * minutes],
    ['max-age over Expires', { 'cache-control': 'max-age=600', expires: 'Sat, 21 Nov 2026 12:00:00 GMT' }, 10 * minutes],
    ['two fields', { 'cache-control': ['public', 'max-age=600'] }, 10 * minutes],
    ['Expires', { expires: 'Sat, 21 Nov 2026 10:30:00 GMT' }, 30 * minutes],
    [
      'Expires by the clock of its server',
      { expires: 'Sat, 21 Nov 2026 09:30:00 GMT', date: 'Sat, 21 Nov 2026 09:00:00 GMT' },
      30 * minutes,
    ],
    ['Expires in the past', { expires: 'Sat, 21 Nov 2026 09:30:00 GMT' }, FRESH.leastMs],
    ['Expires that is no date', { expires: '0' }, FRESH.leastMs],
    ['no-store', { 'cache-control': 'no-store, max-age=600' }, FRESH.leastMs],
    ['no-cache', { 'cache-control': 'no-cache' }, FRESH.leastMs],
    ['only for shared caches', { 'cache-control': 's-maxage=9' }, FRESH.unsaidMs],
    ['a second', { 'cache-control': 'max-age=1' }, FRESH.leastMs],
    ['a year', { 'cache-control': 'max-age=31536000' }, FRESH.mostMs],
    ['no number', { 'cache-control': 'max-age=-1' }, FRESH.unsaidMs],
  ])('%s', (_id, fields, ms) => {
    expect(freshForMs(fields, now)).toBe(ms);
  });
});
