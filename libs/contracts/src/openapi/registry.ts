import { z } from 'zod';

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
export const serverListSchema = z.object({
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
export type ServerList = z.infer<typeof serverListSchema>;

/** Answer of `GET /api/v1/upstreams`. Never holds header or environment values. */
export const upstreamListSchema = z.object({
  revision: z.string().describe('Revision of the configuration that is served.'),
  upstreams: z.array(
    z.object({
      name: z.string(),
      type: z.enum(['http', 'stdio']),
      url: z.string().optional().describe('Endpoint, for type http.'),
      command: z.string().optional().describe('Program, for type stdio.'),
      args: z.array(z.string()).optional().describe('Its arguments, for type stdio.'),
      needsCredential: z.boolean().describe('Whether the token vault holds something that the upstream must be shown.'),
      timeoutMs: z.int(),
      servers: z.array(z.string()).describe('Slugs of the servers that offer it.'),
    }),
  ),
});
export type UpstreamList = z.infer<typeof upstreamListSchema>;

/** Answer of `GET /api/v1/config`. */
export const configStatusSchema = z.object({
  revision: z.string().describe('Revision of the configuration that is served.'),
  loadedAt: z.iso.datetime().describe('When it was applied.'),
  lastRejection: z
    .object({
      rejectedAt: z.iso.datetime(),
      reason: z.enum(['config_invalid', 'credential_unresolved', 'internal']),
      message: z.string().describe('One line per problem: file, line, column, key, what is wrong, how to fix it.'),
    })
    .nullable()
    .describe('Why the file as it stands now is not served; null when it is.'),
});
export type ConfigStatus = z.infer<typeof configStatusSchema>;

const problem = {
  description: 'A problem document (RFC 9457).',
  content: { 'application/problem+json': { schema: { type: 'object' } } },
};

function read(operationId: string, summary: string, schema: z.ZodType) {
  return {
    get: {
      operationId,
      summary,
      tags: ['configuration'],
      description: 'For API keys with the role admin or auditor.',
      security: [{ apiKey: [] }],
      responses: {
        200: {
          description: summary,
          content: { 'application/json': { schema: z.toJSONSchema(schema, { target: 'draft-2020-12' }) } },
        },
        401: problem,
        403: problem,
      },
    },
  };
}

/** OpenAPI path items of the capability registry's HTTP API. */
export const registryPaths = {
  '/api/v1/servers': read('listServers', 'Servers that are served', serverListSchema),
  '/api/v1/upstreams': read('listUpstreams', 'Upstreams that are reached', upstreamListSchema),
  '/api/v1/config': read('readConfigStatus', 'Which configuration is served', configStatusSchema),
} as const;
