import { z } from 'zod';
import { refuseEmptyRange } from './event-filters.js';
import { jsonContent, problemResponse } from './responses.js';

const time = z.iso.datetime({ offset: true });

/** Query of `GET /api/v1/audit/export`. */
export const auditExportQuery = z
  .strictObject({
    from: time.optional().describe('Not later than this the export begins, with a checkpoint. Absent: with the first record.'),
    to: time.optional().describe('Not earlier than this it ends, if that has been signed. Absent: with the newest checkpoint.'),
  })
  .superRefine(refuseEmptyRange);

/** Answer of `GET /api/v1/audit/keys`. */
export const auditKeys = z.object({
  keys: z.array(z.looseObject({ kid: z.string() })).describe('Public JWKs (RFC 7517) that checkpoints are verified with.'),
});

export type AuditExportQuery = z.output<typeof auditExportQuery>;
export type AuditKeys = z.output<typeof auditKeys>;

const refusals = {
  401: problemResponse('No valid API key was sent.'),
  403: problemResponse('The API key does not have the role.'),
};

/** OpenAPI path items of exports that can be verified. */
export const auditExportPaths = {
  '/api/v1/audit/export': {
    get: {
      operationId: 'exportAuditTrail',
      summary:
        'Export the audit trail so that `switchyard audit verify` can tell whether it is as it was recorded (role admin or auditor)',
      tags: ['audit'],
      security: [{ apiKey: [] }],
      parameters: ['from', 'to'].map((name) => ({
        name,
        in: 'query',
        required: false,
        schema: { type: 'string', format: 'date-time' },
        description: auditExportQuery.shape[name as keyof typeof auditExportQuery.shape].description,
      })),
      responses: {
        200: {
          description: 'A header, checkpoints (JWS), the exact lines of the events, and a last line with their number.',
          content: { 'application/x-ndjson': { schema: { type: 'string' } } },
        },
        400: problemResponse('A parameter is unknown, or has a value that it cannot have.'),
        ...refusals,
        404: problemResponse('Nothing has been signed yet.'),
      },
    },
  },
  '/api/v1/audit/keys': {
    get: {
      operationId: 'listAuditKeys',
      summary: 'Read the public keys of checkpoints (role admin or auditor)',
      tags: ['audit'],
      security: [{ apiKey: [] }],
      responses: { 200: { description: 'The keys.', content: jsonContent(auditKeys) }, ...refusals },
    },
  },
};
