import { z } from 'zod';
import { eventView } from './events.js';
import { forReaders, jsonContent, problemResponse, readerRefusals } from './responses.js';

/** A stretch of a request's time. */
export const storyStep = z.strictObject({
  event_id: z.string().describe('Event that says so.'),
  label: z.string().describe('What was done: a method with its target, or a stage.'),
  kind: z.enum(['request', 'stage', 'hop']).describe('The exchange with the client, a part of it, or one with an upstream.'),
  start_us: z.int().describe('Microseconds after the story begins.'),
  duration_us: z.int(),
  outcome: z.string().optional(),
});

/** Answer of `GET /api/v1/requests/{id}`. */
export const requestStory = z.strictObject({
  request_id: z.string(),
  started_at: z.iso.datetime().describe('When the earliest stretch began.'),
  duration_us: z.int().describe('From there to the end of the last one.'),
  events: z
    .array(eventView)
    .describe('In the order in which they happened; of one emitter, always in the order in which it recorded them.'),
  waterfall: z.array(storyStep).describe('What took time, by its beginning; stages behind the request that they are of.'),
  truncated: z.boolean().optional().describe('There are more events than are shown.'),
});

export type StoryStep = z.output<typeof storyStep>;
export type RequestStory = z.output<typeof requestStory>;

/** OpenAPI path items of one call's story. */
export const storyPaths = {
  '/api/v1/requests/{id}': {
    get: {
      operationId: 'getRequestStory',
      summary: 'Read what happened to one request, in order',
      tags: ['audit'],
      ...forReaders,
      parameters: [
        { name: 'id', in: 'path', required: true, schema: { type: 'string' }, description: 'X-Request-Id of the exchange.' },
      ],
      responses: {
        200: { description: 'Its events, and what took how long.', content: jsonContent(requestStory) },
        ...readerRefusals,
        404: problemResponse('There are no events of this request.'),
        503: problemResponse('The database cannot be reached, or the query meets a limit, which is named.'),
      },
    },
  },
};
