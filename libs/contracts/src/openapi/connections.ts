import { z } from 'zod';
import { jsonContent as json, problemResponse as problem } from './responses.js';

/** One of somebody's connections to an upstream, without anything of what is kept of it. */
export const connectionView = z.strictObject({
  id: z.string().describe('Names it towards this API.'),
  upstream: z.string(),
  label: z.string().describe('What its owner calls it.'),
  default: z.boolean().describe('Whether calls use it.'),
  state: z
    .enum(['connected', 'reauth_required', 'damaged'])
    .describe('`reauth_required`: it has ended, and its owner must connect again; `damaged`: it cannot be read.'),
  at: z
    .string()
    .describe(
      'Host of the authorization server that it is with, or of the upstream where it is a key; empty where it is damaged.',
    ),
  account: z.string().optional().describe('Whose it is at the upstream, where that is known.'),
  scopes: z.array(z.string()),
  connected_at: z.iso.datetime().optional(),
});

/** Answer to `GET /api/v1/me/connections` and `GET /api/v1/people/{id}/connections`: by upstream, the default first. */
export const connectionList = z.strictObject({ connections: z.array(connectionView) });

export type ConnectionInfo = z.infer<typeof connectionView>;
export type ConnectionInfoList = z.infer<typeof connectionList>;

const tags = ['connections'];
const id = { name: 'id', in: 'path', required: true, schema: { type: 'string' } } as const;
const connection = { name: 'connection', in: 'path', required: true, schema: { type: 'string' } } as const;
const listed = { 200: { description: 'Connections, never what they hold.', content: json(connectionList) } };
const ended = (what: string) => ({
  204: { description: `${what} Edges use nothing of it any more within a second, and the upstream is told (RFC 7009).` },
});
const away = { 503: problem('The key service or the audit trail is away: nothing was changed.') };
const unknown = { 404: problem('There is no such connection.') };
const own = { security: [{ accessToken: [] }] };
const notSignedIn = { 401: problem('No valid access token for this API was sent.') };
const admins = { security: [{ apiKey: [] }] };
const refusals = { 401: problem('No valid API key was sent.'), 403: problem('The API key does not have the role.') };

/** OpenAPI path items of people's connections to upstreams. */
export const connectionsPaths = {
  '/api/v1/me/connections': {
    get: {
      ...{ operationId: 'listMyConnections', summary: 'List my connections to upstreams', tags },
      ...own,
      responses: { ...listed, ...notSignedIn, ...away },
    },
  },
  '/api/v1/me/connections/{connection}': {
    delete: {
      ...{ operationId: 'endMyConnection', summary: 'End one of my connections', tags },
      ...own,
      parameters: [connection],
      responses: { ...ended('It has ended.'), ...unknown, ...notSignedIn, ...away },
    },
  },
  '/api/v1/people/{id}/connections': {
    get: {
      ...{ operationId: 'listConnections', summary: 'List somebody’s connections to upstreams (role admin or auditor)', tags },
      ...admins,
      parameters: [id],
      responses: { ...listed, ...refusals, ...away },
    },
    delete: {
      ...{ operationId: 'endConnections', summary: 'End all of somebody’s connections (role admin)', tags },
      ...admins,
      parameters: [id],
      responses: { ...ended('All have ended.'), ...refusals, ...away },
    },
  },
  '/api/v1/people/{id}/connections/{connection}': {
    delete: {
      ...{ operationId: 'endConnection', summary: 'End one of somebody’s connections (role admin)', tags },
      ...admins,
      parameters: [id, connection],
      responses: { ...ended('It has ended.'), ...unknown, ...refusals, ...away },
    },
  },
} as const;
