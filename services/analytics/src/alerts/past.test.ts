import { median, slotsOf, usualOf } from './past.js';

describe('what is usual', () => {
  it.each([
    ['AL50 nothing', [], 0, 0],
    ['AL50 one', [4], 4, 0],
    ['AL50 even', [1, 2, 3, 10], 2.5, 1.4826],
    ['AL51 one outlier changes nothing', [10, 11, 9, 10, 10_000], 10, 1.4826],
    ['AL52 all alike', [7, 7, 7], 7, 0],
  ])('%s', (_id, values, middle, deviation) => {
    expect(usualOf(values)).toEqual({ middle, deviation });
    expect(median(values)).toBe(middle);
  });

  it('AL53 compares with the same time of day, of week, or with what was just before', () => {
    const [hour, day, now] = [3_600_000, 86_400_000, Date.UTC(2026, 0, 31, 12)];
    const starts = (every: 'day' | 'week' | 'window') =>
      slotsOf({ every, count: 3 }, hour, now).spans.map(({ fromMs, toMs }) => [(now - toMs) / hour, toMs - fromMs]);
    expect(starts('day')).toEqual([0, 24, 48, 72].map((ago) => [ago, hour]));
    expect(starts('week')).toEqual([0, 168, 336, 504].map((ago) => [ago, hour]));
    expect(starts('window')).toEqual([0, 1, 2, 3].map((ago) => [ago, hour]));
    expect(slotsOf({ every: 'week', count: 3 }, hour, now).params.slots_period).toBe(7 * day);
  });
});
