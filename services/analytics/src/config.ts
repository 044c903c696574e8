import { listenAddress, platformSchema } from '@switchyard/platform';
import { secretText } from '@switchyard/runtime';
import { z } from 'zod';

const httpEngine = z.strictObject({
  kind: z.literal('http'),
  url: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL. Write for example http://localhost:8123.' })
    .describe("ClickHouse's HTTP interface, for example `http://localhost:8123`."),
  user: z.string().min(1).default('default').describe('User that may create and read the tables.'),
  password: secretText.optional().describe('Its password, as `${env:NAME}` or `${file:PATH}`.'),
  database: z
    .string()
    .regex(/^[A-Za-z_]\w{0,62}$/, 'must be 1 to 63 letters, digits and "_", no digit first. Change it.')
    .default('switchyard')
    .describe('Database of the tables; made where it is missing.'),
});

const embeddedEngine = z.strictObject({
  kind: z.literal('embedded'),
  path: z.string().min(1).describe('Folder of the database; made where it is missing. One process at a time has it open.'),
});

/** What analytics itself needs to know. */
export const analyticsConfigSchema = z.strictObject({
  listen: listenAddress('127.0.0.1', 8084, 'Where the edge reaches the HTTP admin API.'),
  authServer: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'Where the authorization server is, whose keys verify the access tokens of people; without it only API keys can read.',
    ),
  engine: z
    .discriminatedUnion('kind', [httpEngine, embeddedEngine])
    .describe('Where events are stored: a ClickHouse server, or its engine as a library in this process.'),
  checkpoints: z
    .strictObject({
      keyFile: z
        .string()
        .min(1)
        .describe('Private Ed25519 key that checkpoints of the audit trail are signed with, a JWK. Readable by its owner alone.'),
      createIfMissing: z.boolean().default(false).describe('Makes a key where there is no file. For the first start.'),
      intervalMs: z.int().min(1_000).max(3_600_000).default(60_000).describe('Time between checkpoints.'),
      copyTo: z
        .string()
        .min(1)
        .optional()
        .describe('Folder that checkpoints are copied to. Whoever can change the database should not be able to change it.'),
    })
    .describe('How the audit trail is vouched for.'),
});

export type AnalyticsConfig = z.output<typeof analyticsConfigSchema>;
export type EngineConfig = AnalyticsConfig['engine'];

/** The file that a lone analytics service is started with. */
export const analyticsFileSchema = analyticsConfigSchema.extend({
  management: listenAddress('127.0.0.1', 9084, 'Where /health, /ready and /metrics are served.'),
  platform: platformSchema,
});
