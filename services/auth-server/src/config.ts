import { platformSchema } from '@switchyard/platform';
import { z } from 'zod';

const address = (host: string, port: number, what: string) =>
  z
    .strictObject({
      host: z.string().min(1).default(host).describe('Address that the listener binds to.'),
      port: z.int().min(0).max(65_535).default(port).describe('Port of the listener. 0 picks a free one.'),
    })
    .prefault({})
    .describe(what);

/** What the authorization server itself needs to know. What the gateway is, it reads from the gateway's own file. */
export const authServerConfigSchema = z.strictObject({
  gatewayFile: z.string().min(1).describe("The gateway's switchyard.yaml, for its sections `gateway` and `identity`."),
  gatewayPort: z.int().min(0).max(65_535).optional().describe('Instead of `gateway.port` in that file.'),
  listen: address('127.0.0.1', 8081, 'Where the edge reaches sign-in, tokens and the HTTP admin API.'),
});

export type AuthServerConfig = z.output<typeof authServerConfigSchema>;

/** The file that a lone authorization server is started with. */
export const authServerFileSchema = authServerConfigSchema.extend({
  management: address('127.0.0.1', 9081, 'Where /health, /ready and /metrics are served.'),
  platform: platformSchema,
});
