import { Problem } from '@switchyard/admin-api';
import type { UsageInterval } from '@switchyard/contracts';

/** A range of time that is answered for, as RFC 3339. */
export interface UsageRange {
  readonly from: string;
  readonly to: string;
}

const DAY_MS = 86_400_000;
const INTERVAL_MS: Readonly<Record<UsageInterval, number>> = { minute: 60_000, hour: 3_600_000, day: DAY_MS, month: 28 * DAY_MS };

/** What one question may ask for. */
export const USAGE_LIMITS = { days: 400, intervals: 1_500 } as const;

function refuse(name: string, allowed: number, message: string): Problem {
  const errors = [{ field: 'from', message }];
  return new Problem(400, { reason: 'limit_exceeded', detail: `from: ${message} (${name}).`, errors, limit: { name, allowed } });
}

/**
 * The time that a question is about: the last 24 hours unless told.
 * @throws Problem 400 naming the limit of a question that is about too much
 */
export function usageRange(
  given: { readonly from?: string | undefined; readonly to?: string | undefined; readonly interval?: UsageInterval | undefined },
  nowMs: number,
): UsageRange {
  const toMs = given.to === undefined ? nowMs : Date.parse(given.to);
  const fromMs = given.from === undefined ? toMs - DAY_MS : Date.parse(given.from);
  const { days, intervals } = USAGE_LIMITS;
  if (fromMs >= toMs) throw refuse('range_order', 0, 'must be earlier than `to`, or than now');
  if (toMs - fromMs > days * DAY_MS) throw refuse('range_days', days, `must be at most ${days} days before \`to\``);
  if (given.interval !== undefined && (toMs - fromMs) / INTERVAL_MS[given.interval] > intervals)
    throw refuse('intervals', intervals, `must be at most ${intervals} intervals of a ${given.interval} before \`to\``);
  return { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
}
