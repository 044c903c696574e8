import { z } from 'zod';
import { jsonContent, problemResponse } from './responses.js';

const count = z.int().min(0);

/** One sink, in answers. */
export const sinkView = z.strictObject({
  name: z.string(),
  type: z.string(),
  state: z.enum(['ok', 'failing', 'standby']).describe('`standby`: no process serves it at the moment.'),
  reason: z.string().describe('Why it fails; empty while it does not.'),
  backlog: count.describe('Batches of the stream that it has yet to be sent.'),
  oldestMs: count.describe('Age of the oldest event that it has yet to take, in milliseconds; 0 where it has all.'),
  delivered: count.describe('Events that it took, since a process began to serve it.'),
  refused: count.describe('Events that it refused for good: they are in sink_dead_letters.'),
  dropped: count.describe('Batches that left the stream by their age before it took them: 0 while all is well.'),
});

/** Answer to `GET /api/v1/audit/sinks`. */
export const sinkList = z.strictObject({ sinks: z.array(sinkView) });

/** Body of `POST /api/v1/audit/sinks/{name}/replays`. */
export const replayBody = z.strictObject({
  from: z.iso.datetime({ offset: true }).describe('First instant whose events are sent.'),
  to: z.iso.datetime({ offset: true }).optional().describe('First instant whose events are not. Unless given: now.'),
  source: z
    .enum(['events', 'dead-letters'])
    .default('events')
    .describe('`dead-letters`: what the sink refused for good in that time, instead of what happened in it.'),
});

/** One replay, in answers. */
export const replayView = z.strictObject({
  id: z.string(),
  source: z.enum(['events', 'dead-letters']),
  from: z.string(),
  to: z.string(),
  sent: count.describe('Events that the sink took, or refused for good, so far.'),
  state: z.enum(['running', 'done']),
});

/** Answer to `GET /api/v1/audit/sinks/{name}/replays`. */
export const replayList = z.strictObject({ replays: z.array(replayView) });

/** Name of a sink, in a path. */
export const sinkName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be the name of a sink');

export type SinkList = z.infer<typeof sinkList>;
export type ReplayBody = z.output<typeof replayBody>;
export type ReplayView = z.infer<typeof replayView>;
export type ReplayList = z.infer<typeof replayList>;

const refusals = {
  401: problemResponse('No valid API key was sent.'),
  403: problemResponse('The API key does not have the role.'),
  503: problemResponse('The state of sinks cannot be reached.'),
};
const own = { tags: ['sinks'], security: [{ apiKey: [] }] };
const parameters = [{ name: 'name', in: 'path', required: true, schema: z.toJSONSchema(sinkName, { target: 'openapi-3.0' }) }];
const unknownSink = problemResponse('There is no sink of this name.');

/** OpenAPI path items of sinks. */
export const sinksPaths = {
  '/api/v1/audit/sinks': {
    get: {
      operationId: 'listSinks',
      summary: 'How each sink is (role admin or auditor)',
      ...own,
      responses: { 200: { description: 'Every sink of the configuration.', content: jsonContent(sinkList) }, ...refusals },
    },
  },
  '/api/v1/audit/sinks/{name}/replays': {
    get: {
      operationId: 'listReplays',
      summary: 'What a sink is being sent again (role admin or auditor)',
      ...own,
      parameters,
      responses: {
        200: { description: 'Replays that run, or ended within the last day.', content: jsonContent(replayList) },
        404: unknownSink,
        ...refusals,
      },
    },
    post: {
      operationId: 'startReplay',
      summary: 'Send a sink the events of a time again (role admin)',
      ...own,
      parameters,
      requestBody: { required: true, content: jsonContent(replayBody, 'input') },
      responses: {
        202: { description: 'It begins.', content: jsonContent(replayView) },
        400: problemResponse('The times are not acceptable.'),
        404: unknownSink,
        ...refusals,
      },
    },
  },
};
