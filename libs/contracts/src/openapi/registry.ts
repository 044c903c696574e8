import { z } from 'zod';
import { jsonContent, problemResponse } from './responses.js';

const source = z.object({
  upstream: z.string(),
  prefix: z.string().describe("Put before the upstream's tool and prompt names."),
  tools: z.array(z.string()),
  deny: z.array(z.string()),
  prompts: z.array(z.string()),
  resources: z.array(z.string()),
});

const accessRule = z.object({
  teams: z.array(z.string()),
  everyone: z.boolean().describe('Everyone who is signed in.'),
  anonymous: z.boolean().describe('Anyone at all.'),
  tools: z.array(z.string()),
  prompts: z.array(z.string()),
  resources: z.array(z.string()),
});

/** Answer of `GET /api/v1/servers`. */
export const serverList = z.object({
  revision: z.string().describe('Revision of the configuration that is served.'),
  servers: z.array(
    z.object({
      slug: z.string(),
      title: z.string(),
      url: z.string().describe('Where MCP clients connect.'),
      sources: z.array(source),
      access: z.array(accessRule),
    }),
  ),
});
export type ServerList = z.infer<typeof serverList>;

/** Answer of `GET /api/v1/upstreams`. Never holds header or environment values. */
export const upstreamList = z.object({
  revision: z.string().describe('Revision of the configuration that is served.'),
  upstreams: z.array(
    z.object({
      name: z.string(),
      type: z.enum(['http', 'stdio']),
      url: z.string().optional().describe('Endpoint, for type http.'),
      command: z.string().optional().describe('Program, for type stdio.'),
      args: z.array(z.string()).optional().describe('Its arguments, for type stdio.'),
      needs_credential: z.boolean().describe('Whether the token vault holds something that the upstream must be shown.'),
      timeout_ms: z.int(),
      servers: z.array(z.string()).describe('Slugs of the servers that offer it.'),
    }),
  ),
});
export type UpstreamList = z.infer<typeof upstreamList>;

/** Answer of `GET /api/v1/config`. */
export const configStatus = z.object({
  revision: z.string().describe('Revision of the configuration that is served.'),
  loaded_at: z.iso.datetime().describe('When it was applied.'),
  last_rejection: z
    .object({
      rejected_at: z.iso.datetime(),
      reason: z.enum(['config_invalid', 'credential_unresolved', 'internal']),
      message: z.string().describe('One line per problem: file, line, column, key, what is wrong, how to fix it.'),
    })
    .nullable()
    .describe('Why the file as it stands now is not served; null when it is.'),
});
export type ConfigStatus = z.infer<typeof configStatus>;

function read(operationId: string, summary: string, schema: z.ZodType) {
  return {
    get: {
      operationId,
      summary: `${summary} (role admin or auditor)`,
      tags: ['configuration'],
      security: [{ apiKey: [] }],
      responses: {
        200: { description: 'What is served now.', content: jsonContent(schema) },
        401: problemResponse('No valid API key was sent.'),
        403: problemResponse('The API key does not have the role.'),
      },
    },
  };
}

/** OpenAPI path items of the capability registry's HTTP API. */
export const registryPaths = {
  '/api/v1/servers': read('listServers', 'List servers', serverList),
  '/api/v1/upstreams': read('listUpstreams', 'List upstreams', upstreamList),
  '/api/v1/config': read('readConfigStatus', 'Show which configuration is served', configStatus),
} as const;
