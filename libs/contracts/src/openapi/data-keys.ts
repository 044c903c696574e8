import { z } from 'zod';
import { jsonContent, problemResponse } from './responses.js';

const dataKey = z.strictObject({
  id: z.string(),
  purpose: z
    .enum(['records', 'versions'])
    .describe('`records` encrypt what is stored; `versions` makes the versions of contents.'),
  createdAt: z.iso.datetime(),
  kek: z.string().describe('Key-encryption key that wrapped it.'),
  kekVersion: z.string().describe('Version of that key, in the words of its key service.'),
});

/** Answer to `GET /api/v1/data-keys`. */
export const dataKeysStatus = z.strictObject({
  tenant: z.string(),
  state: z.enum(['none', 'living', 'destroyed']).describe('`none`: nothing has been stored yet.'),
  current: z.string().optional().describe('Key that is used for what is stored from now on.'),
  resealed: z.boolean().optional().describe('Whether everything that is stored is encrypted with the current key.'),
  reseal: z
    .strictObject({ running: z.boolean(), done: z.int(), total: z.int(), damaged: z.int() })
    .optional()
    .describe('Round of encrypting records anew, at the vault that answers.'),
  keys: z.array(dataKey),
});

/** Answer to `POST /api/v1/data-keys/rotate`. */
export const rotatedKey = z.strictObject({
  current: z.string().describe('The new key; records are encrypted anew in the background.'),
});

/** Body of `POST /api/v1/data-keys/destroy`. */
export const destroyKeysBody = z.strictObject({ confirm: z.string().describe('`destroy all keys of <tenant>`, literally.') });

/** Answer to `POST /api/v1/data-keys/destroy`. */
export const destroyedKeys = z.strictObject({ tenant: z.string(), destroyed: z.int().describe('How many keys there were.') });

const refusals = {
  401: problemResponse('No valid API key was sent.'),
  403: problemResponse('The API key does not have the role admin.'),
};
const unavailable = problemResponse('The key service or the audit trail cannot be reached; nothing was changed.');
const security = [{ apiKey: [] }];
const tags = ['data keys'];

/** OpenAPI path items of the routes for data keys. */
export const dataKeysPaths = {
  '/api/v1/data-keys': {
    get: {
      operationId: 'getDataKeys',
      summary: 'Which data keys there are, and whether everything is encrypted with the current one (role admin)',
      tags,
      security,
      responses: { 200: { description: 'Names and versions, never keys.', content: jsonContent(dataKeysStatus) }, ...refusals },
    },
  },
  '/api/v1/data-keys/rotate': {
    post: {
      operationId: 'rotateDataKey',
      summary: 'Make a new data key, and encrypt all records anew in the background (role admin)',
      tags,
      security,
      responses: {
        200: { description: 'The new key is in use.', content: jsonContent(rotatedKey) },
        ...refusals,
        503: unavailable,
      },
    },
  },
  '/api/v1/data-keys/destroy': {
    post: {
      operationId: 'destroyDataKeys',
      summary: 'Destroy all data keys, and with them every stored credential and secret, for good (role admin)',
      tags,
      security,
      requestBody: { required: true, content: jsonContent(destroyKeysBody, 'input') },
      responses: {
        200: { description: 'They are destroyed.', content: jsonContent(destroyedKeys) },
        ...refusals,
        409: problemResponse('The confirmation is not the sentence that is asked for; nothing was destroyed.'),
        503: unavailable,
      },
    },
  },
} as const;

export type DataKeysStatus = z.infer<typeof dataKeysStatus>;
export type RotatedKey = z.infer<typeof rotatedKey>;
export type DestroyedKeys = z.infer<typeof destroyedKeys>;
