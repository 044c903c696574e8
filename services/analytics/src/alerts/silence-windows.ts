import type { SilenceWindow } from '@switchyard/gateway-config';

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
const DAY_MINUTES = 24 * 60;

/** Whether a time is within one of the windows. @param atMs milliseconds since 1970 */
export function isWithin(windows: readonly SilenceWindow[], atMs: number): boolean {
  return windows.some((window) =>
    'from' in window ? atMs >= Date.parse(window.from) && atMs < Date.parse(window.until) : isWithinRecurring(window, atMs),
  );
}

function isWithinRecurring({ days, start, end, timeZone }: Exclude<SilenceWindow, { from: string }>, atMs: number): boolean {
  const { day, minute } = localTime(atMs, timeZone);
  const [from, until] = [minuteOf(start), minuteOf(end)];
  const begins = (on: number) => days === undefined || days.some((name) => DAYS[(on + 7) % 7] === name);
  if (from < until) return minute >= from && minute < until && begins(day);
  // Over midnight: what began today, or what began yesterday and has not ended.
  return (minute >= from && begins(day)) || (minute < until && begins(day - 1));
}

function minuteOf(time: string): number {
  const [hour = 0, minute = 0] = time.split(':').map(Number);
  return (hour * 60 + minute) % DAY_MINUTES;
}

/** Day of the week (0 is Sunday) and minute of the day, as clocks there show them. */
function localTime(atMs: number, timeZone: string): { readonly day: number; readonly minute: number } {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const parts = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
  const day = DAYS.findIndex((name) => name === parts['weekday']?.toLowerCase());
  return { day, minute: minuteOf(`${parts['hour']}:${parts['minute']}`) };
}
