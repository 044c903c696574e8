import type { AlertRuleConfigOf } from '@switchyard/gateway-config';
import type { Span } from './rule-sql.js';

type Past = AlertRuleConfigOf<'volume'>['past'];

const DAY_MS = 86_400_000;
const PERIODS: Readonly<Record<Past['every'], (windowMs: number) => number>> = {
  day: () => DAY_MS,
  week: () => 7 * DAY_MS,
  window: (windowMs) => windowMs,
};

/** A time that ends now and earlier ones of the same length, and which of them an event is in: 0 is now. */
export interface Slots {
  readonly spans: readonly Span[];
  readonly sql: string;
  readonly params: { readonly slots_end: number; readonly slots_period: number };
}

/** The times that a rule compares. @param at when a row is of, in SQL: milliseconds since 1970 */
export function slotsOf(
  { every, count }: Past,
  windowMs: number,
  nowMs: number,
  at = 'toUnixTimestamp64Milli(occurred_at)',
): Slots {
  const period = PERIODS[every](windowMs);
  const spans = Array.from({ length: count + 1 }, (_, index) => {
    const toMs = nowMs - index * period;
    return { fromMs: toMs - windowMs, toMs };
  });
  return {
    spans,
    sql: `intDiv({slots_end:Int64} - 1 - ${at}, {slots_period:Int64})`,
    params: { slots_end: nowMs, slots_period: period },
  };
}

/** The middle value; of an even number the mean of the middle two; 0 of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2;
}

/** Makes a median absolute deviation one standard deviation, where values are distributed normally. */
const TO_STANDARD_DEVIATION = 1.4826;

/** What is usual: the middle of past values, and how far they usually are from it. Neither follows a few outliers. */
export function usualOf(values: readonly number[]): { readonly middle: number; readonly deviation: number } {
  const middle = median(values);
  return { middle, deviation: TO_STANDARD_DEVIATION * median(values.map((value) => Math.abs(value - middle))) };
}
