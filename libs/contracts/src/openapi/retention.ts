import { z } from 'zod';
import { instantParameter } from './event-filters.js';
import { jsonContent, problemResponse } from './responses.js';

const count = z.int().min(0);
const instant = z.iso.datetime({ offset: true });
const reason = z.string().trim().min(1).max(500);

/** Name of a legal hold. */
export const legalHoldName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be 1 to 63 lower-case letters, digits and "-", no "-" first');

const filter = {
  principal: z.string().min(1).max(500).optional().describe('Subject or name of whoever it is about.'),
  server: z.string().min(1).max(200).optional().describe('Server, by slug.'),
  from: instantParameter('What happened at this time or later.').optional(),
  to: instantParameter('What happened before this time.').optional(),
};

/** Body of `POST /api/v1/legal-holds`. */
export const legalHoldBody = z
  .strictObject({ name: legalHoldName, reason: reason.describe('Why. It is recorded.'), ...filter })
  .superRefine(({ from, to }, context) => {
    if (from !== undefined && to !== undefined && Date.parse(from) >= Date.parse(to))
      context.addIssue({ code: 'custom', path: ['to'], message: 'must be after from' });
  });

/** A legal hold, in answers. */
export const legalHoldView = z.strictObject({
  name: z.string(),
  reason: z.string(),
  ...filter,
  set_by: z.string().describe('Who has set it.'),
  set_at: instant,
});

/** Answer to `POST /api/v1/legal-holds`. */
export const legalHoldSet = legalHoldView.extend({
  deleting: z
    .strictObject({ table: z.string(), cut: instant })
    .optional()
    .describe('A deletion that had begun: what arrived before `cut` may be gone already. Absent: nothing was being deleted.'),
  erasing: z
    .array(z.strictObject({ issuer: z.string(), subject: z.string(), since: instant }))
    .optional()
    .describe(
      'Erasures that had begun: what was captured of these principals until then may be unreadable. Absent: there were none.',
    ),
});

/** Answer to `GET /api/v1/legal-holds`. */
export const legalHoldList = z.strictObject({ holds: z.array(legalHoldView) });

/** Query string of `DELETE /api/v1/legal-holds/{name}`. */
export const legalHoldRelease = z.strictObject({ reason: reason.describe('Why. It is recorded.') });

/** Why rows that are older than their retention are kept. */
export const RETENTION_REFUSALS = ['held', 'sink_behind', 'unsealed', 'export_running'] as const;

/** One of them. */
export type RetentionRefusal = (typeof RETENTION_REFUSALS)[number];

/** Rows that are older than their retention and stay. */
export const keptRows = z.strictObject({
  reason: z
    .enum(RETENTION_REFUSALS)
    .describe(
      '`held`: by a legal hold. `sink_behind`: a sink has yet to be sent them. `unsealed`: no signed checkpoint that was copied away covers them. `export_running`: an export was under way.',
    ),
  rows: count,
  detail: z.string().describe('Which sink; empty where it is none.'),
});

/** How retention of one table is. */
export const retainedTableView = z.strictObject({
  table: z.string(),
  days: count.describe('How long its rows are kept; 0: for good.'),
  cut: instant.optional().describe('What arrived before this time was to go; absent where rows are kept for good.'),
  deleted: count.describe('Rows that the last pass has deleted.'),
  kept: z.array(keptRows).describe('Rows that are older than that and are kept.'),
});

/** Answer to `GET /api/v1/retention`. */
export const retentionView = z.strictObject({
  at: instant.optional().describe('When the last pass ended; absent where there was none.'),
  failure: z.string().describe('Why it ended early; empty where it did not.'),
  tables: z.array(retainedTableView),
  holds: count.describe('Legal holds.'),
});

export type LegalHoldBody = z.output<typeof legalHoldBody>;
export type LegalHoldView = z.output<typeof legalHoldView>;
export type LegalHoldSet = z.output<typeof legalHoldSet>;
export type LegalHoldList = z.output<typeof legalHoldList>;
export type RetainedTableView = z.output<typeof retainedTableView>;
export type RetentionView = z.output<typeof retentionView>;

const refusals = {
  401: problemResponse('No valid API key was sent.'),
  403: problemResponse('The API key does not have the role.'),
  503: problemResponse('The state of retention cannot be reached.'),
};
const own = { tags: ['retention'], security: [{ apiKey: [] }] };

/** OpenAPI path items of retention and legal holds. */
export const retentionPaths = {
  '/api/v1/retention': {
    get: {
      operationId: 'getRetention',
      summary: 'How long rows are kept, what was deleted last, and what was not, and why (role admin or auditor)',
      ...own,
      responses: { 200: { description: 'Every table.', content: jsonContent(retentionView) }, ...refusals },
    },
  },
  '/api/v1/legal-holds': {
    get: {
      operationId: 'listLegalHolds',
      summary: 'Every legal hold (role admin or auditor)',
      ...own,
      responses: { 200: { description: 'Oldest first.', content: jsonContent(legalHoldList) }, ...refusals },
    },
    post: {
      operationId: 'setLegalHold',
      summary: 'Keep matching rows from retention, and what was captured from erasure, until the hold is released (role admin)',
      ...own,
      requestBody: { required: true, content: jsonContent(legalHoldBody, 'input') },
      responses: {
        201: { description: 'They are kept from now on.', content: jsonContent(legalHoldSet) },
        400: problemResponse('The hold cannot be read.'),
        409: problemResponse('There is a hold of this name, or there are too many.'),
        ...refusals,
      },
    },
  },
  '/api/v1/legal-holds/{name}': {
    delete: {
      operationId: 'releaseLegalHold',
      summary: 'Release a legal hold: the next pass of retention may delete what it kept (role admin)',
      ...own,
      parameters: [
        { name: 'name', in: 'path', required: true, schema: z.toJSONSchema(legalHoldName, { target: 'openapi-3.0' }) },
        { name: 'reason', in: 'query', required: true, schema: { type: 'string', minLength: 1, maxLength: 500 } },
      ],
      responses: {
        204: { description: 'It keeps nothing any more.' },
        400: problemResponse('There is no reason.'),
        404: problemResponse('There is no hold of this name.'),
        ...refusals,
      },
    },
  },
};
