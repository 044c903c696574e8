import { z } from 'zod';
import { jsonContent, problemResponse } from './responses.js';

const count = z.int().min(0);
const instant = z.iso.datetime({ offset: true });

const alertItem = z.strictObject({
  what: z.string().describe('What holds, in one sentence.'),
  about: z.record(z.string(), z.string()).describe('What it is about: server, upstream, tool, principal, client and the like.'),
  value: z.number().describe('What was measured last.'),
  limit: z.number().describe('What it is compared with.'),
  since: instant.describe('Since when it holds.'),
});

const alertDelivery = z.strictObject({
  channel: z.string(),
  at: instant.describe('When a message was sent, or was to be sent, last.'),
  state: z.enum(['delivered', 'retrying', 'given up']),
  reason: z.string().describe('Why it was not taken; empty where it was.'),
});

/** One alert, in answers. */
export const alertView = z.strictObject({
  name: z.string(),
  kind: z.string(),
  state: z
    .enum(['ok', 'pending', 'firing', 'unknown'])
    .describe('`pending`: it holds, but not for as long as it has to. `unknown`: it has not been evaluated yet.'),
  since: instant.optional().describe('Since when the oldest of what holds does.'),
  value: z.number().optional().describe('What was measured last of the first that holds.'),
  limit: z.number().optional().describe('What that is compared with.'),
  count: count.describe('How many of what is judged one by one it holds for.'),
  firing: z.array(alertItem).describe('The first of them.'),
  evaluatedAt: instant.optional().describe('When it was looked at last.'),
  failure: z.string().describe('Why it could not be looked at; empty where it could.'),
  silenced: z.boolean().describe('Whether nobody is told now.'),
  silencedUntil: instant.optional().describe('Until when somebody has asked for that; absent where the configuration says so.'),
  silencedBy: z.string().optional().describe('Who has.'),
  silencedBecause: z.string().optional().describe('Why, in their words.'),
  deliveries: z.array(alertDelivery).describe('How channels took what they were last sent.'),
});

/** Answer to `GET /api/v1/alerts`. */
export const alertList = z.strictObject({ alerts: z.array(alertView) });

/** Body of `POST /api/v1/alerts/{name}/silence`. */
export const silenceBody = z.strictObject({
  until: instant.describe('Until when nobody is told; at most 31 days from now.'),
  reason: z.string().trim().min(1).max(500).describe('Why. It is recorded.'),
});

/** A silence, in answers. */
export const silenceView = z.strictObject({ until: instant, by: z.string(), reason: z.string() });

/** Name of an alert, in a path. */
export const alertName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be the name of an alert');

export type AlertView = z.infer<typeof alertView>;
export type AlertList = z.infer<typeof alertList>;
export type SilenceBody = z.output<typeof silenceBody>;
export type SilenceView = z.infer<typeof silenceView>;

const refusals = {
  401: problemResponse('No valid API key was sent.'),
  403: problemResponse('The API key does not have the role.'),
  503: problemResponse('The state of alerts cannot be reached.'),
};
const own = { tags: ['alerts'], security: [{ apiKey: [] }] };
const parameters = [{ name: 'name', in: 'path', required: true, schema: z.toJSONSchema(alertName, { target: 'openapi-3.0' }) }];
const unknownAlert = problemResponse('There is no alert of this name.');

/** OpenAPI path items of alerts. */
export const alertsPaths = {
  '/api/v1/alerts': {
    get: {
      operationId: 'listAlerts',
      summary: 'How each alert is (role admin or auditor)',
      ...own,
      responses: { 200: { description: 'Every rule of the configuration.', content: jsonContent(alertList) }, ...refusals },
    },
  },
  '/api/v1/alerts/{name}/silence': {
    post: {
      operationId: 'silenceAlert',
      summary: 'Have nobody told of an alert for a time (role admin)',
      ...own,
      parameters,
      requestBody: { required: true, content: jsonContent(silenceBody, 'input') },
      responses: {
        200: { description: 'It is silent.', content: jsonContent(silenceView) },
        400: problemResponse('The time is not acceptable.'),
        404: unknownAlert,
        ...refusals,
      },
    },
    delete: {
      operationId: 'endSilence',
      summary: 'End such a time (role admin)',
      ...own,
      parameters,
      responses: { 204: { description: 'Nobody has silenced it any more.' }, 404: unknownAlert, ...refusals },
    },
  },
};
