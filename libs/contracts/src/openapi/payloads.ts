import { z } from 'zod';
import { jsonContent, problemResponse } from './responses.js';

const part = z.unknown().optional();

/** Answer to `GET /api/v1/events/<event id>/payload`. */
export const capturedPayload = z.strictObject({
  event_id: z.string().describe('The event that it was captured with.'),
  mode: z.enum(['redacted', 'full']),
  arguments: part.describe('Arguments of the call. Of what was too long the beginning, or only its length.'),
  input_responses: part.describe('What the client answered where it had been asked for input (MCP 2026-07-28).'),
  result: part.describe('Its result.'),
  error: part.describe('The JSON-RPC error that it ended with instead.'),
});

/** Body of `POST /api/v1/payloads/erase`. */
export const eraseCapturedBody = z.strictObject({
  issuer: z.string().max(512).describe('Issuer of the principal, as events say it (`principal_issuer`).'),
  subject: z.string().min(1).max(512).describe('Subject of the principal, as events say it (`principal_subject`).'),
  confirm: z.string().describe('`erase what was captured of <subject>`, literally.'),
});

/** Answer to `POST /api/v1/payloads/erase`. */
export const erasedPayloads = z.strictObject({
  issuer: z.string(),
  subject: z.string(),
  erased: z.int().describe('How many keys were destroyed: 1, or 0 where nothing had been captured since the last time.'),
});

const tags = ['captured payloads'];
const parameter = (name: string, description: string) => ({
  name,
  in: 'path',
  required: true,
  description,
  schema: { type: 'string' },
});

/** OpenAPI path items of the routes for captured payloads. */
export const payloadsPaths = {
  '/api/v1/events/{emitter}/{epoch}/{sequence}/payload': {
    get: {
      operationId: 'readPayload',
      summary: 'What was captured of a call (auditors alone; every read, granted or not, is an event)',
      tags,
      security: [{ apiKey: [] }, { accessToken: [] }],
      parameters: [
        parameter('emitter', 'First part of the event id.'),
        parameter('epoch', 'Second part of it.'),
        parameter('sequence', 'Last part of it.'),
      ],
      responses: {
        200: { description: 'Arguments and result, as far as they were captured.', content: jsonContent(capturedPayload) },
        401: problemResponse('No valid API key or access token was sent.'),
        403: problemResponse('Whoever asks does not have the role auditor; being an administrator is not enough.'),
        404: problemResponse(
          'There is no such event, nothing was captured with it, or it has not arrived or is not kept any more.',
        ),
        409: problemResponse('What is stored is not what was captured: it was altered.'),
        410: problemResponse('It was erased: the key that it was encrypted with was destroyed.'),
        429: problemResponse('Whoever asks has read as many as one may in a minute.'),
        503: problemResponse('The token vault, the database or the audit trail cannot be reached.'),
      },
    },
  },
  '/api/v1/payloads/erase': {
    post: {
      operationId: 'erasePayloads',
      summary: 'Make everything that was captured of one principal unreadable, for good (role admin)',
      tags,
      security: [{ apiKey: [] }],
      requestBody: { required: true, content: jsonContent(eraseCapturedBody, 'input') },
      responses: {
        200: { description: 'It is erased.', content: jsonContent(erasedPayloads) },
        401: problemResponse('No valid API key was sent.'),
        403: problemResponse('The API key does not have the role admin.'),
        409: problemResponse(
          'Nothing was erased: the confirmation is not the sentence that is asked for, a legal hold keeps what was captured of this principal, or the keys of the tenant were destroyed.',
        ),
        503: problemResponse(
          'Nothing was erased: the key service, the audit trail, or analytics, which knows the legal holds, cannot be reached.',
        ),
      },
    },
  },
} as const;

export type CapturedPayload = z.infer<typeof capturedPayload>;
export type EraseCapturedBody = z.infer<typeof eraseCapturedBody>;
export type ErasedPayloads = z.infer<typeof erasedPayloads>;
