import { z } from 'zod';
import { jsonContent as json, problemResponse as problem } from './responses.js';

const slug = z.union([z.literal('*'), z.string().regex(/^[a-z0-9-]{1,63}$/, 'must be the slug of a server, or "*" for all')]);
const role = z.enum(['admin', 'auditor']);

/** Body of `POST /api/v1/keys`. */
export const createKeyRequest = z.strictObject({
  name: z.string().trim().min(1).max(100).describe('What people call the key.'),
  servers: z.array(slug).max(100).default([]).describe('Slugs of the servers that it opens; "*" means all.'),
  roles: z.array(role).max(2).default([]).describe('What it may do at this API.'),
  expires_in_days: z.int().min(1).max(3650).optional().describe('Days until it ends. Absent: it does not end by itself.'),
});

/** An API key as it is shown: never its secret. */
export const apiKeyView = z.strictObject({
  id: z.string().describe('Public part of the key.'),
  name: z.string(),
  servers: z.array(z.string()),
  roles: z.array(z.string()),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime().optional(),
});

/** Answer to `POST /api/v1/keys`: the one time that the key itself is shown. */
export const createdKey = apiKeyView.extend({ key: z.string().describe('The key. It is shown once and stored nowhere.') });

/** Answer to `GET /api/v1/keys`. */
export const keyList = z.strictObject({ keys: z.array(apiKeyView) });

/** Answer to `GET /api/v1/keys/signing`. */
export const signingKeyList = z.strictObject({
  keys: z.array(
    z.strictObject({
      id: z.string().describe('`kid` of the tokens that it signs.'),
      state: z
        .enum(['published', 'signing', 'verify_only'])
        .describe('Published before it signs; signing; or only there to verify what it signed.'),
      created_at: z.iso.datetime(),
      signs_from: z.iso.datetime(),
    }),
  ),
});

export type SigningKeyList = z.infer<typeof signingKeyList>;
export type CreateKeyRequest = z.infer<typeof createKeyRequest>;
export type ApiKeyView = z.infer<typeof apiKeyView>;
export type CreatedKey = z.infer<typeof createdKey>;
export type KeyList = z.infer<typeof keyList>;

const refusals = { 401: problem('No valid API key was sent.'), 403: problem('The API key does not have the role.') };
const security = [{ apiKey: [] }];
const tags = ['keys'];

/** OpenAPI path items of the API key routes. */
export const keysPaths = {
  '/api/v1/keys': {
    get: {
      operationId: 'listKeys',
      summary: 'List API keys (role admin)',
      tags,
      security,
      responses: { 200: { description: 'Every key, without its secret.', content: json(keyList) }, ...refusals },
    },
    post: {
      operationId: 'createKey',
      summary: 'Create an API key (role admin)',
      tags,
      security,
      requestBody: { required: true, content: json(createKeyRequest, 'input') },
      responses: {
        201: { description: 'The key, shown this once.', content: json(createdKey) },
        400: problem('A field of the request is not acceptable; it is named.'),
        ...refusals,
      },
    },
  },
  '/api/v1/keys/signing': {
    get: {
      operationId: 'listSigningKeys',
      summary: 'List the keys that sign tokens (role admin)',
      tags,
      security,
      responses: {
        200: { description: 'Every key that is published, without its secret.', content: json(signingKeyList) },
        ...refusals,
      },
    },
    post: {
      operationId: 'rotateSigningKey',
      summary: 'Rotate the key that signs tokens (role admin)',
      tags,
      security,
      responses: {
        202: {
          description: 'A next key is published. It signs within two minutes; no valid token is refused.',
          content: json(signingKeyList),
        },
        ...refusals,
      },
    },
  },
  '/api/v1/keys/{id}': {
    delete: {
      operationId: 'revokeKey',
      summary: 'Revoke an API key (role admin)',
      tags,
      security,
      parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
      responses: {
        204: { description: 'The key is revoked.' },
        404: problem('There is no such key.'),
        409: problem('It is the last key with the role admin.'),
        ...refusals,
      },
    },
  },
} as const;
