import { z } from 'zod';
import { jsonContent, problemResponse } from './responses.js';

const count = z.int().min(0);

/** Body of `POST /api/v1/audit/rebuild`. */
export const rebuildBody = z.strictObject({
  partial: z
    .boolean()
    .default(false)
    .describe('Begin although the stream has no more what came first: without, that is refused with `stream_incomplete`.'),
});

/** A rebuild of the database from the stream, in answers. */
export const rebuildView = z.strictObject({
  id: z.string(),
  state: z.enum(['running', 'done']),
  startedAt: z.string(),
  endedAt: z.string().optional(),
  messages: count.describe('Batches that the stream had when it began, counting those that have left it since the beginning.'),
  position: count.describe('Batch up to which everything that was left is stored.'),
  gone: count.describe('Batches that had left the stream by their age: what was in them cannot come back from here.'),
  oldest: z.string().optional().describe('When the first event happened that was still there.'),
  events: count.describe('Events that were stored, counting those that the database had.'),
  deadLetters: count.describe('Lines that are no events: they are in dead_letters.'),
  checkpoints: count.describe('Checkpoints of the audit trail that were stored again from their events.'),
});

export type RebuildBody = z.output<typeof rebuildBody>;
export type RebuildView = z.infer<typeof rebuildView>;

const refusals = {
  401: problemResponse('No valid API key was sent.'),
  403: problemResponse('The API key does not have the role.'),
  503: problemResponse('The stream or the state of rebuilds cannot be reached.'),
};
const own = { tags: ['audit'], security: [{ apiKey: [] }] };

/** OpenAPI path items of rebuilding. */
export const rebuildPaths = {
  '/api/v1/audit/rebuild': {
    get: {
      operationId: 'getRebuild',
      summary: 'How far the newest rebuild of the database is (role admin or auditor)',
      ...own,
      responses: {
        200: { description: 'It.', content: jsonContent(rebuildView) },
        404: problemResponse('There never was one.'),
        ...refusals,
      },
    },
    post: {
      operationId: 'startRebuild',
      summary: 'Store everything again that is still in the stream, beside ingestion (role admin)',
      ...own,
      requestBody: { required: true, content: jsonContent(rebuildBody, 'input') },
      responses: {
        202: { description: 'It begins, or one was under way.', content: jsonContent(rebuildView) },
        400: problemResponse('The body is not what it should be.'),
        409: problemResponse('This gateway keeps no stream that could be read again, or the stream has no more what came first.'),
        ...refusals,
      },
    },
  },
};
