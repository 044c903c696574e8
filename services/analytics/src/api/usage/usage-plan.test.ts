import fc from 'fast-check';
import { planUsage, type Countable, type Span } from './usage-plan.js';

const day = 86_400_000;
const minute = 60_000;
const days = (...uncounted: number[]): Countable => ({ bucketMs: day, uncounted: new Set(uncounted.map((one) => one * day)) });
const minutes = (...uncounted: number[]): Countable => ({ bucketMs: minute, uncounted: new Set(uncounted) });
const shown = (spans: readonly Span[]) => spans.map(({ fromMs, toMs }) => [fromMs, toMs]);

describe('which part of a time is asked of what', () => {
  it.each<readonly [string, readonly [Span, Countable | undefined, Countable | undefined], number[][], number[][], number[][]]>([
    ['events-alone', [{ fromMs: 0, toMs: 3 * day }, undefined, undefined], [], [], [[0, 3 * day]]],
    ['days', [{ fromMs: 0, toMs: 3 * day }, days(), undefined], [[0, 3 * day]], [], []],
    [
      'days-with-ends',
      [{ fromMs: 5, toMs: 2 * day + 5 }, days(), undefined],
      [[day, 2 * day]],
      [],
      [[5, day], [2 * day, 2 * day + 5]], // prettier-ignore
    ],
    [
      'all-three',
      [{ fromMs: day - minute - 5, toMs: 2 * day + 5 }, days(), minutes()],
      [[day, 2 * day]],
      [[day - minute, day]],
      [[day - minute - 5, day - minute], [2 * day, 2 * day + 5]], // prettier-ignore
    ],
    [
      'day-that-is-not-counted',
      [{ fromMs: 0, toMs: 3 * day }, days(1), undefined],
      [[0, day], [2 * day, 3 * day]], // prettier-ignore
      [],
      [[day, 2 * day]],
    ],
    [
      'minute-that-is-not-counted',
      [{ fromMs: 0, toMs: day }, days(0), minutes(minute)],
      [],
      [[0, minute], [2 * minute, day]], // prettier-ignore
      [[minute, 2 * minute]],
    ],
    ['less-than-a-bucket', [{ fromMs: 5, toMs: 6 }, days(), minutes()], [], [], [[5, 6]]],
    ['uncounted-elsewhere', [{ fromMs: 0, toMs: day }, days(7), undefined], [[0, day]], [], []],
  ])('%s', (_id, given, byDay, byMinute, events) => {
    const [whole, ...tables] = given;
    const { counted, ...plan } = planUsage(
      whole,
      tables.flatMap((table) => table ?? []),
    );
    const [days = [], minutes = []] = counted;
    expect([shown(days), shown(minutes), shown(plan.events)]).toEqual([byDay, byMinute, events]);
  });

  it('has every instant exactly once, buckets whole and counted, and few parts', () => {
    const instant = fc.integer({ min: 0, max: 400 * day });
    const some = (size: number) => fc.array(fc.nat(Math.floor((400 * day) / size)), { maxLength: 60 });
    fc.assert(
      fc.property(instant, instant, some(day), some(minute), fc.boolean(), (a, b, dirtyDays, dirtyMinutes, byDay) => {
        const whole = { fromMs: Math.min(a, b), toMs: Math.max(a, b) + 1 };
        const [dayTable, minuteTable] = [days(...dirtyDays), minutes(...dirtyMinutes.map((one) => one * minute))];
        const tables = byDay ? [dayTable, minuteTable] : [minuteTable];
        const plan = planUsage(whole, tables);
        const parts = [...plan.counted.flat(), ...plan.events].sort((x, y) => x.fromMs - y.fromMs);
        expect(parts[0]?.fromMs).toBe(whole.fromMs);
        expect(parts.at(-1)?.toMs).toBe(whole.toMs);
        parts.slice(1).forEach(({ fromMs }, index) => expect(fromMs).toBe(parts[index]?.toMs));
        tables.forEach(({ bucketMs, uncounted }, index) => {
          for (const { fromMs, toMs } of plan.counted[index] ?? []) {
            expect([fromMs % bucketMs, toMs % bucketMs]).toEqual([0, 0]);
            expect([...uncounted].filter((start) => start >= fromMs && start < toMs)).toEqual([]);
          }
        });
        expect(parts.length).toBeLessThan(300);
      }),
    );
  });
});
