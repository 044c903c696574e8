import { z } from 'zod';
import { findCrossProblems } from './cross-checks.js';
import { auditSection, egressSection, gatewaySection } from './gateway-section.js';
import { identitySection } from './identity-section.js';
import { rolesSection } from './roles-section.js';
import { slugSchema, teamNameSchema, upstreamNameSchema } from './names.js';
import { serverSchema, teamSchema } from './server-schema.js';
import { upstreamSchema } from './upstream-schema.js';

const shape = z.strictObject({
  $schema: z.string().optional().describe('Where editors find the JSON Schema of this file. Not read by the gateway.'),
  gateway: gatewaySection,
  identity: identitySection,
  teams: z.record(teamNameSchema, teamSchema).default({}).describe('Sets of people, by name.'),
  roles: rolesSection,
  upstreams: z.record(upstreamNameSchema, upstreamSchema).default({}).describe('MCP servers that the gateway reaches, by name.'),
  servers: z
    .record(slugSchema, serverSchema)
    .default({})
    .describe(
      'Virtual servers that clients connect to at `/mcp/<slug>`, by slug. Each is put together from one or more upstreams.',
    ),
  audit: auditSection,
  egress: egressSection,
});

/** Schema of switchyard.yaml: the shape first and, where that holds, what the sections say about each other. */
export const gatewaySchema = shape.pipe(
  z.custom<z.output<typeof shape>>().superRefine((config, context) => {
    for (const { path, message } of findCrossProblems(config)) context.addIssue({ code: 'custom', path, message });
  }),
);

/** A checked switchyard.yaml. Secrets in it are still references. */
export type GatewayConfig = z.output<typeof gatewaySchema>;
export type ServerConfig = GatewayConfig['servers'][string];
export type SourceConfig = ServerConfig['sources'][number];
export type AccessRuleConfig = ServerConfig['access'][number];
export type TeamConfig = GatewayConfig['teams'][string];
