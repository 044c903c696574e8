import { listenAddress, platformSchema } from '@switchyard/platform';
import { z } from 'zod';

/** What the authorization server itself needs to know. What the gateway is, it reads from the gateway's own file. */
export const authServerConfigSchema = z.strictObject({
  gatewayFile: z.string().min(1).describe("The gateway's switchyard.yaml, for its sections `gateway` and `identity`."),
  gatewayPort: z.int().min(0).max(65_535).optional().describe('Instead of `gateway.port` in that file.'),
  listen: listenAddress('127.0.0.1', 8081, 'Where the edge reaches sign-in, tokens and the HTTP admin API.'),
});

export type AuthServerConfig = z.output<typeof authServerConfigSchema>;

/** The file that a lone authorization server is started with. */
export const authServerFileSchema = authServerConfigSchema.extend({
  management: listenAddress('127.0.0.1', 9081, 'Where /health, /ready and /metrics are served.'),
  platform: platformSchema,
});
