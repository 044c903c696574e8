import { z } from 'zod';

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const timeOfDay = z
  .string()
  .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day from 00:00 to 23:59. Write for example 22:00.');
const instant = z.iso.datetime({ offset: true, error: 'must be a time with its zone. Write for example 2026-01-31T12:00:00Z.' });

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    // The one way in which it fails: there is no such zone.
    return false;
  }
}

const once = z.strictObject({ from: instant.describe('When it begins.'), until: instant.describe('When it ends.') });

const recurring = z
  .strictObject({
    days: z.array(z.enum(DAYS)).min(1).optional().describe('Days on which it begins: `mon` to `sun`. Unless given: every day.'),
    start: timeOfDay.describe('Time of day at which it begins, for example `22:00`.'),
    end: timeOfDay.describe('Time of day at which it ends; on the next day where that is not after the beginning.'),
    timeZone: z
      .string()
      .refine(isTimeZone, 'is no time zone. Write for example Europe/Berlin.')
      .default('UTC')
      .describe('Time zone of both, for example `Europe/Berlin`.'),
  })
  .describe('Comes again every day, or on some days of the week.');

/** Schema of one time in which nobody is told. */
export const silenceWindowSchema = z
  .union([once, recurring], { error: 'must have from and until, or start and end (with days and timeZone). Correct it.' })
  .describe('A time in which nobody is told: once (`from`, `until`), or again and again (`start`, `end`).');

/** A time in which nobody is told. */
export type SilenceWindow = z.output<typeof silenceWindowSchema>;
