import { z } from 'zod';

const valueLimitBytes = 64 * 1024;

/** Name of a secret, as in `${secret:NAME}`. */
export const secretName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/, 'must be 1 to 128 letters, digits, "_", "." or "-", the first a letter or digit');

/** Body of `PUT /api/v1/secrets/{name}`. */
export const secretBody = z.strictObject({
  value: z
    .string()
    .min(1)
    .refine((value) => Buffer.byteLength(value, 'utf8') <= valueLimitBytes, `must have at most ${valueLimitBytes} bytes in UTF-8`)
    .describe('The secret itself, at most 64 KiB. It is never shown again.'),
});

/** Answer to `GET /api/v1/secrets`. */
export const secretList = z.strictObject({ secrets: z.array(z.strictObject({ name: z.string() })) });

/** Answer to a change of a secret. */
export const secretChanged = z.strictObject({
  name: z.string(),
  upstreams: z.array(z.string()).describe('Upstreams whose credential was built anew, because it refers to the secret.'),
});

export type SecretList = z.infer<typeof secretList>;
export type SecretChanged = z.infer<typeof secretChanged>;

const json = (schema: z.ZodType, io: 'input' | 'output' = 'output') => ({
  'application/json': { schema: z.toJSONSchema(schema, { io, target: 'openapi-3.0' }) },
});
const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: { type: 'object', description: 'RFC 9457 problem details' } } },
});
const refusals = { 401: problem('No valid API key was sent.'), 403: problem('The API key does not have the role admin.') };
const notAcceptable = problem('The name or the value is not acceptable.');
const security = [{ apiKey: [] }];
const tags = ['secrets'];
const parameters = [{ name: 'name', in: 'path', required: true, schema: z.toJSONSchema(secretName, { target: 'openapi-3.0' }) }];

/** OpenAPI path items of the routes for named secrets. */
export const secretsPaths = {
  '/api/v1/secrets': {
    get: {
      operationId: 'listSecrets',
      summary: 'List the names of stored secrets (role admin)',
      tags,
      security,
      responses: { 200: { description: 'Names, never values.', content: json(secretList) }, ...refusals },
    },
  },
  '/api/v1/secrets/{name}': {
    put: {
      operationId: 'putSecret',
      summary: 'Store a secret, or replace it (role admin)',
      tags,
      security,
      parameters,
      requestBody: { required: true, content: json(secretBody, 'input') },
      responses: {
        200: { description: 'It is stored, and every credential that refers to it is built anew.', content: json(secretChanged) },
        400: notAcceptable,
        ...refusals,
      },
    },
    delete: {
      operationId: 'deleteSecret',
      summary: 'Delete a secret (role admin)',
      tags,
      security,
      parameters,
      responses: {
        200: { description: 'It is deleted; credentials that refer to it are no longer leased.', content: json(secretChanged) },
        400: notAcceptable,
        404: problem('There is no such secret.'),
        ...refusals,
      },
    },
  },
} as const;
