import { z } from 'zod';

const DAYS = { d: 1, w: 7, y: 365 } as const;
const FOREVER = 'forever';
/** The stream of events, which the database can be rebuilt from, keeps less: what was deleted cannot come back. */
export const LEAST_RETENTION_DAYS = 7;
const MOST_DAYS = 100 * DAYS.y;

/** Days of a length as it is written; 0 where it has no end; undefined where it is no length. */
function daysOf(text: string): number | undefined {
  if (text === FOREVER) return 0;
  const [, count, unit] = /^([1-9]\d{0,4})([dwy])$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * DAYS[unit as keyof typeof DAYS];
}

const length = z.string().superRefine((text, context) => {
  const days = daysOf(text);
  if (days === undefined) context.addIssue('must be a number of days, weeks or years such as 400d, 52w or 3y, or forever.');
  else if (days !== 0 && days < LEAST_RETENTION_DAYS)
    context.addIssue(
      `is ${days} days. Write ${LEAST_RETENTION_DAYS}d or more: the stream of events could bring back what was deleted earlier.`,
    );
  else if (days > MOST_DAYS) context.addIssue('is more than a hundred years. Write forever.');
});

/** Schema of `audit.retention`. */
export const retentionSection = z
  .strictObject({
    events: length
      .default('400d')
      .describe(
        'Events, and those that sinks or the database refused. Counted from when they arrived, not from when they say they happened.',
      ),
    lines: length
      .optional()
      .describe('The exact lines of events, which exports that can be verified are made of. Unless given: as long as events.'),
    payloads: length
      .default('90d')
      .describe('Captured arguments and results. Events say what they were of for as long as those are kept.'),
    usage: length.default('3y').describe('Counts of usage and cost by minute and day, with who it was by day.'),
  })
  .prefault({})
  .describe(
    'How long what is recorded is kept: `400d`, `52w`, `3y` (of 365 days) or `forever`. Nothing is deleted that is under a legal hold, that a sink has yet to be sent, or that no checkpoint covers which was signed and copied.',
  );

/** How long what is recorded is kept. */
export type RetentionConfig = z.output<typeof retentionSection>;

/** In days, by key; 0 where it is kept for good. */
export function retentionDays({ events, lines = events, payloads, usage }: RetentionConfig): Record<string, number> {
  const days = Object.entries({ events, lines, payloads, usage }).map(([key, text]) => [key, daysOf(text) ?? 0] as const);
  return Object.fromEntries(days);
}
