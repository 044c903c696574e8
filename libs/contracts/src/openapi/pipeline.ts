import { z } from 'zod';
import { instantParameter, queryParameters, refuseEmptyRange } from './event-filters.js';
import { forReaders, jsonContent, problemResponse, readerRefusals } from './responses.js';
import { keptRows, retentionView } from './retention.js';
import { sinkView } from './sinks.js';

const count = z.int().min(0);
const instant = z.iso.datetime();
const milliseconds = (what: string) => count.describe(`${what}, milliseconds.`);

/** What can be wrong with the pipeline of events. */
export const PIPELINE_FAULTS = [
  'spool_waiting',
  'storing_stalled',
  'storing_slow',
  'sink_failing',
  'sink_behind',
  'sink_lost',
  'sink_dead_letters',
  'gaps_open',
  'checkpoint_old',
  'dead_letters',
  'retention_refused',
  'retention_failed',
  'state_away',
  'bus_away',
  'database_away',
] as const;
export type PipelineFault = (typeof PIPELINE_FAULTS)[number];

/** A process that records events. */
export const emitterHealth = z.strictObject({
  emitter: z.string(),
  epoch: z.string().describe('Its boot, milliseconds since 1970.'),
  recorded: count.describe('Sequence of the last event that it says it has recorded.'),
  forwarded: count.describe('Sequence up to which the stream has confirmed all.'),
  stored: count.optional().describe('Greatest sequence in the database; absent where that does not answer.'),
  waiting: count.describe('Events in its spool.'),
  waiting_bytes: count.optional().describe('Bytes in its spool; absent where it does not say.'),
  oldest_ms: milliseconds('Age of the oldest event in its spool; 0 where none waits'),
  said_at: instant.describe('When it said so: whenever that has changed, at most every 10 s.'),
});

/** A sink, and what it refused. */
export const sinkHealth = sinkView.extend({
  dead_letters: count
    .optional()
    .describe('Events that it refused for good and that are kept; absent where the database does not answer.'),
  recent_dead_letters: count.optional().describe('Those of the last 24 hours.'),
});

/** Answer of `GET /api/v1/pipeline`. A part that could not be asked for is absent, and a problem says so. */
export const pipelineHealth = z.strictObject({
  at: instant,
  state: z.enum(['ok', 'wrong']),
  problems: z
    .array(
      z.strictObject({
        fault: z.enum(PIPELINE_FAULTS),
        subject: z.string().describe('Which emitter or sink; empty where it is neither.'),
        detail: z.string().describe('What is wrong.'),
        advice: z.string().describe('What to do about it.'),
      }),
    )
    .describe('Empty while all is well.'),
  emitters: z.array(emitterHealth).optional(),
  stream: z
    .strictObject({ waiting: count.describe('Batches that have yet to be stored.') })
    .optional()
    .describe('Between emitters and the database.'),
  storing: z
    .strictObject({
      stalled_ms: milliseconds('How long nothing could be stored here; 0 while all is well'),
      recent: count.describe('Events that the delays are of: those stored in the last 15 minutes, at most 100,000.'),
      p50_ms: milliseconds('From when an event happened until it was stored: half took no longer'),
      p99_ms: milliseconds('The same: 99 % took no longer'),
    })
    .optional(),
  sinks: z.array(sinkHealth).optional(),
  gaps: z
    .strictObject({
      open: count.describe('Runs of events that were recorded and are not in the database.'),
      missing: count.describe('Events in them.'),
      oldest_at: instant.optional().describe('When the oldest was found.'),
    })
    .optional(),
  checkpoint: z
    .strictObject({
      number: count.describe('Of the newest; 0 where there is none.'),
      at: instant.optional(),
      age_ms: milliseconds('Age'),
      unsigned_ms: milliseconds('Age of the oldest event that the newest checkpoint does not cover; 0 where it covers all'),
    })
    .optional(),
  dead_letters: z
    .strictObject({
      kept: count.describe('Lines of the stream that are no events, and are kept.'),
      recent: count.describe('Those of the last 24 hours.'),
      latest_at: instant.optional(),
      reasons: z.record(z.string(), count).describe('Those of the last 24 hours, by reason.'),
    })
    .optional(),
  retention: retentionView
    .pick({ at: true, failure: true })
    .extend({ kept: z.array(keptRows.extend({ table: z.string() })).describe('Rows that are older than their retention.') })
    .optional()
    .describe('The last pass that deleted what is older than its retention, and what it left.'),
});

/** Query string of `GET /api/v1/audit/gaps`. */
export const gapsQuery = z
  .strictObject({
    state: z.enum(['open', 'closed', 'all']).default('open').describe('Which gaps.'),
    from: instantParameter('Found at this time or later.').optional(),
    to: instantParameter('Found before this time.').optional(),
    limit: z.coerce.number().int().min(1).max(1000).default(100).describe('Most gaps in the answer.'),
  })
  .superRefine(refuseEmptyRange);

/** Answer of `GET /api/v1/audit/gaps`. */
export const gapList = z.strictObject({
  gaps: z
    .array(
      z.strictObject({
        emitter: z.string(),
        epoch: z.string().describe('Boot of the emitter, milliseconds since 1970.'),
        first: count.describe('First sequence that is missing.'),
        last: count.describe('Last one.'),
        events: count.describe('How many that are.'),
        found_at: instant,
        closed_at: instant.optional().describe('When the last of them had come. Absent: some are missing.'),
      }),
    )
    .describe('Latest found first.'),
  truncated: z.boolean().optional().describe('Whether there are more.'),
});

export type EmitterHealth = z.output<typeof emitterHealth>;
export type SinkHealth = z.output<typeof sinkHealth>;
export type PipelineHealth = z.output<typeof pipelineHealth>;
export type PipelineProblem = PipelineHealth['problems'][number];
export type GapsQuery = z.output<typeof gapsQuery>;
export type GapList = z.output<typeof gapList>;

const own = {
  tags: ['audit'],
  ...forReaders,
  description: 'For API keys with the role admin or auditor, and for people who are auditors.',
};
const refusals = { ...readerRefusals, 403: problemResponse('Whoever asks may not read everything.') };

/** OpenAPI path items of the pipeline's health. */
export const pipelinePaths = {
  '/api/v1/pipeline': {
    get: {
      operationId: 'getPipeline',
      summary: 'How events get from where they are recorded to the database and the sinks',
      ...own,
      responses: {
        200: { description: 'Every part that could be asked, and what is wrong.', content: jsonContent(pipelineHealth) },
        ...refusals,
      },
    },
  },
  '/api/v1/audit/gaps': {
    get: {
      operationId: 'listGaps',
      summary: 'Events that were recorded and are not in the database, or were not for a while',
      ...own,
      parameters: queryParameters(gapsQuery.shape),
      responses: {
        200: { description: 'Gaps, latest found first.', content: jsonContent(gapList) },
        400: problemResponse('A parameter is unknown or not acceptable; it is named.'),
        ...refusals,
        503: problemResponse('The database cannot be reached.'),
      },
    },
  },
};
