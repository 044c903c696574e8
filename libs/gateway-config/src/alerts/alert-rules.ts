import { z } from 'zod';
import { eventFilter } from '../sinks/sink-parts.js';
import { silenceWindowSchema } from './silence-window.js';

const DAY_MINUTES = 24 * 60;
const minutes = (least: number, most = DAY_MINUTES) => z.int().min(least).max(most);

/** What every rule has. @param unless what holds unless given */
const everyRule = (unless: { readonly repeatMinutes: number; readonly sendResolved: boolean }) => ({
  notify: z
    .array(z.string())
    .optional()
    .describe('Channels that are told, by name. Unless given: every channel; none where it is empty.'),
  forMinutes: minutes(0).default(0).describe('How long it has to hold before anybody is told.'),
  clearMinutes: minutes(0).default(5).describe('How long it must not hold any more before it counts as over.'),
  groupMinutes: minutes(0)
    .default(5)
    .describe('Least time between two messages; what begins or ends meanwhile is told together.'),
  repeatMinutes: minutes(0, 7 * DAY_MINUTES)
    .default(unless.repeatMinutes)
    .describe('Time after which it is told again while it holds; 0: never.'),
  sendResolved: z.boolean().default(unless.sendResolved).describe('Whether its end is told as well.'),
  silence: z
    .array(silenceWindowSchema)
    .default([])
    .describe('Times in which nobody is told. What still holds afterwards is told then.'),
});
const lasting = everyRule({ repeatMinutes: 240, sendResolved: true });
const momentary = everyRule({ repeatMinutes: 0, sendResolved: false });

const filter = eventFilter.describe('Which events count: those that match all of what is said here. Unless given: every event.');
const windowOf = (unless: number) =>
  minutes(1).default(unless).describe('Length of the time that is looked at, in minutes; it ends now.');

/** Past times of the same length that a time is compared with. */
const past = (unless: { readonly every: 'day' | 'week' | 'window'; readonly count: number }) =>
  z
    .strictObject({
      every: z
        .enum(['day', 'week', 'window'])
        .default(unless.every)
        .describe('`day`: the same time of day before, `week`: the same time of week, `window`: the times just before this one.'),
      count: z.int().min(3).max(60).default(unless.count).describe('How many of them.'),
    })
    .prefault({})
    .describe('What a time is compared with: earlier times of the same length.');

const errorRate = z.strictObject({
  kind: z.literal('error-rate').describe('More calls fail than should.'),
  ...lasting,
  filter,
  windowMinutes: windowOf(5),
  per: z.enum(['upstream', 'server', 'tool']).default('upstream').describe('What is judged one by one.'),
  percent: z.number().gt(0).max(100).default(20).describe('Share of calls that fail, from which on it fires.'),
  minCalls: z.int().min(1).default(20).describe('With fewer calls it does not fire.'),
});

const newTool = z.strictObject({
  kind: z.literal('new-tool').describe('A tool was called that was never called before on that server and upstream.'),
  ...momentary,
  filter: z
    .strictObject({
      servers: z.array(z.string()).optional().describe('Virtual servers, by slug.'),
      upstreams: z.array(z.string()).optional().describe('Upstreams, by name.'),
    })
    .default({})
    .describe('Where. Unless given: everywhere.'),
  windowMinutes: windowOf(60).describe('How long a tool counts as new, in minutes.'),
});

const volume = z.strictObject({
  kind: z.literal('volume').describe('Somebody uses far more than they did before.'),
  ...lasting,
  filter,
  windowMinutes: windowOf(60),
  per: z
    .enum(['principal', 'client', 'agent'])
    .default('principal')
    .describe('Whose past it is: callers, apps, or the nearest agent that acts for somebody.'),
  measure: z
    .enum(['calls', 'bytes', 'tokens', 'cost'])
    .default('calls')
    .describe('What is added up: `cost` in millionths of the currency.'),
  minimum: z.number().gt(0).default(100).describe('With less it does not fire.'),
  deviations: z
    .number()
    .gt(0)
    .default(6)
    .describe('How many standard deviations above the median of the past; they are told from the median absolute deviation.'),
  factor: z.number().min(1).default(3).describe('How many times the median of the past, at least.'),
  knownFor: z
    .int()
    .min(1)
    .max(60)
    .default(3)
    .describe('Who has called on fewer past days (agents: in fewer past times) has no past to be compared with.'),
  past: past({ every: 'day', count: 14 }),
});

const denialBurst = z.strictObject({
  kind: z.literal('denial-burst').describe('Somebody is denied again and again.'),
  ...lasting,
  filter,
  windowMinutes: windowOf(5),
  per: z.enum(['principal', 'client', 'server']).default('principal').describe('What is judged one by one.'),
  count: z.int().min(1).default(20).describe('Denials from which on it fires.'),
});

const latency = z.strictObject({
  kind: z.literal('latency').describe('Calls take longer than they did before.'),
  ...lasting,
  filter,
  windowMinutes: windowOf(15),
  per: z.enum(['tool', 'upstream', 'server']).default('tool').describe('What is judged one by one.'),
  factor: z.number().gt(1).default(2).describe('How many times the median of past 95th percentiles it fires at.'),
  minMs: z.number().min(0).default(200).describe('By how many milliseconds it must be longer at least.'),
  minCalls: z.int().min(1).default(50).describe('A time with fewer calls is neither judged nor compared with.'),
  knownFor: z.int().min(1).max(60).default(3).describe('With fewer past times that have enough calls it does not fire.'),
  past: past({ every: 'day', count: 7 }),
});

const pipeline = z.strictObject({
  kind: z.literal('pipeline').describe('The audit trail itself is behind, has gaps or refuses something.'),
  ...lasting,
  windowMinutes: windowOf(15).describe('Length of the time in which dead letters count, in minutes.'),
  sinkMinutes: minutes(1).default(10).describe('Age of the oldest event that a sink has yet to take.'),
  storedMinutes: minutes(1).default(5).describe('How long nothing may be stored while events wait.'),
  waitingEvents: z.int().min(1).default(100_000).describe('Events that wait in the spool of one process.'),
  deadLetters: z.int().min(1).default(1).describe('Lines or events that were put aside.'),
});

const unknownKey = z.strictObject({
  kind: z
    .literal('unknown-signing-key')
    .describe(
      'Tokens come that are signed with a key that the authorization server does not publish: forged, or keys are out of step.',
    ),
  ...lasting,
  filter: z
    .strictObject({ servers: z.array(z.string()).optional().describe('Virtual servers, by slug.') })
    .default({})
    .describe('Where. Unless given: everywhere.'),
  windowMinutes: windowOf(5),
  count: z.int().min(1).default(20).describe('Tokens from which on it fires.'),
});

const KINDS = [errorRate, newTool, volume, denialBurst, latency, pipeline, unknownKey] as const;
const names = KINDS.map(({ shape }) => `"${shape.kind.value}"`);

/** Schema of one entry under `audit.alerts.rules`. What each kind does is in services/analytics/src/alerts/kinds. */
export const alertRuleSchema = z
  .discriminatedUnion('kind', KINDS, {
    error: (issue) =>
      issue.code === 'invalid_union' ? `kind must be ${names.slice(0, -1).join(', ')} or ${names.at(-1)}.` : undefined,
  })
  .describe('Something that people are told of.');

/** A rule as configured. */
export type AlertRuleConfig = z.output<typeof alertRuleSchema>;

/** Settings of one kind of rule. */
export type AlertRuleConfigOf<Kind extends AlertRuleConfig['kind']> = Extract<AlertRuleConfig, { readonly kind: Kind }>;
