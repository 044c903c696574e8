import { z } from 'zod';
import { eventFilterShape, queryParameters, refuseEmptyRange } from './event-filters.js';
import { forReaders, jsonContent, problemResponse, readerRefusals } from './responses.js';

/** What usage can be grouped by. */
export const USAGE_GROUPS = ['principal', 'team', 'client', 'server', 'upstream', 'capability'] as const;
export type UsageGroup = (typeof USAGE_GROUPS)[number];

/** Lengths of an interval, each beginning at a round time in UTC. */
export const USAGE_INTERVALS = ['minute', 'hour', 'day', 'month'] as const;
export type UsageInterval = (typeof USAGE_INTERVALS)[number];

/** What the first can be the first by. */
export const USAGE_MEASURES = ['calls', 'errors', 'denied', 'error_rate', 'p95', 'bytes', 'tokens', 'cost'] as const;
export type UsageMeasure = (typeof USAGE_MEASURES)[number];

const groups = z
  .string()
  .transform((text) => text.split(','))
  .pipe(
    z
      .array(z.enum(USAGE_GROUPS))
      .max(3, 'must name at most three')
      .refine((names) => new Set(names).size === names.length, 'must name each once'),
  )
  .optional()
  .describe(`At most three of ${USAGE_GROUPS.join(', ')}, separated by commas.`);

/** Query string of `GET /api/v1/usage`. */
export const usageQuery = z
  .strictObject({
    ...eventFilterShape,
    group_by: groups,
    interval: z.enum(USAGE_INTERVALS).describe('Absent: one figure for the whole time.').optional(),
  })
  .superRefine(refuseEmptyRange);

/** Query string of `GET /api/v1/usage/top`. */
export const usageTopQuery = z
  .strictObject({
    ...eventFilterShape,
    by: z.enum(USAGE_GROUPS).describe('What is ranked.'),
    measure: z.enum(USAGE_MEASURES).default('calls').describe('By what; the most comes first.'),
    limit: z.coerce.number().int().min(1).max(100).default(10).describe('How many.'),
  })
  .superRefine(refuseEmptyRange);

const month = (what: string) =>
  z
    .string()
    .regex(/^\d{4}-(?:0[1-9]|1[0-2])$/, 'must be a month such as 2026-01')
    .describe(what);

/** Query string of `GET /api/v1/cost`. */
export const costQuery = z
  .strictObject({
    from: month('First month, UTC; this month unless given.').optional(),
    to: month('Last month; this month unless given.').optional(),
    team: eventFilterShape.team,
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from <= to, {
    path: ['from'],
    message: 'must not be later than `to`',
  });

const count = z.int().min(0);

/** Figures of some calls. */
export const usageFigures = z.strictObject({
  calls: count.describe('Requests for a tool, prompt, resource, completion or task, refused ones included, each once.'),
  errors: count.describe('Those that failed.'),
  denied: count.describe('Those that a rule refused.'),
  cancelled: count,
  error_rate: z.number().describe('Errors among calls, 0 to 1.'),
  failures: z
    .strictObject({ client: count, policy: count, gateway: count, upstream: count })
    .describe('Failures and denials by where they come from.'),
  duration_us: z
    .strictObject({ p50: count, p95: count, p99: count })
    .describe('Time of a whole exchange: half, 95 % and 99 % of the calls took no longer; within 0.4 %.'),
  bytes_in: count,
  bytes_out: count,
  tokens: z.strictObject({ arguments: count, result: count, model_in: count, model_out: count }),
  cost_micros: count.describe('Millionths of the price table’s currency.'),
});

/** Figures of a group in an interval. */
export const usageRow = usageFigures.extend({
  at: z.iso.datetime().optional().describe('Beginning of the interval.'),
  group: z
    .partialRecord(z.enum([...USAGE_GROUPS, 'principal_name', 'client_name']), z.string())
    .describe(
      'What the figures are of; empty where events say nothing. `principal` is a subject, `client` an id, each with its latest name.',
    ),
});

const currency = z
  .string()
  .optional()
  .describe('Currency of costs, ISO 4217, as the configuration has it now; absent where it has no prices.');
const range = { from: z.iso.datetime(), to: z.iso.datetime(), currency };

/** Answer of `GET /api/v1/usage`. */
export const usageAnswer = z.strictObject({
  ...range,
  rows: z
    .array(usageRow)
    .describe('By interval, then by most calls. A call of somebody in several teams counts for each of them.'),
});

/** Answer of `GET /api/v1/usage/top`. */
export const usageTop = z.strictObject({ ...range, rows: z.array(usageRow).describe('The most first.') });

/** Answer of `GET /api/v1/cost`. */
export const costAnswer = z.strictObject({
  currency,
  months: z.array(
    z.strictObject({
      month: z.string(),
      calls: count,
      cost_micros: count.describe('Of all calls, each once.'),
      teams: z
        .array(z.strictObject({ team: z.string(), calls: count, cost_micros: count }))
        .describe('By most cost. A call of somebody in several teams counts for each; of somebody in none, for the team "".'),
    }),
  ),
});

export type UsageQuery = z.output<typeof usageQuery>;
export type UsageTopQuery = z.output<typeof usageTopQuery>;
export type CostQuery = z.output<typeof costQuery>;
export type UsageRow = z.output<typeof usageRow>;
export type UsageAnswer = z.output<typeof usageAnswer>;
export type UsageTop = z.output<typeof usageTop>;
export type CostAnswer = z.output<typeof costAnswer>;

const refusals = {
  400: problemResponse('A parameter is unknown or not acceptable, or asks for more than a limit, which is named.'),
  ...readerRefusals,
  503: problemResponse('The database cannot be reached, or the query meets a limit, which is named.'),
};
const own = { tags: ['usage'], ...forReaders };
const answered = (description: string, schema: z.ZodType) => ({
  200: { description, content: jsonContent(schema) },
  ...refusals,
});

/** OpenAPI path items of usage and cost. */
export const usagePaths = {
  '/api/v1/usage': {
    get: {
      operationId: 'getUsage',
      summary: 'Figures of calls by group and interval, of the last 24 hours unless told',
      ...own,
      parameters: queryParameters(usageQuery.shape),
      responses: answered('Figures of each group in each interval.', usageAnswer),
    },
  },
  '/api/v1/usage/top': {
    get: {
      operationId: 'getTopUsage',
      summary: 'Who or what has the most of something, in the last 24 hours unless told',
      ...own,
      parameters: queryParameters(usageTopQuery.shape),
      responses: answered('The first, with all their figures.', usageTop),
    },
  },
  '/api/v1/cost': {
    get: {
      operationId: 'getCost',
      summary: 'Cost by month and team',
      ...own,
      parameters: queryParameters(costQuery.shape),
      responses: answered('Each month with its teams.', costAnswer),
    },
  },
};
