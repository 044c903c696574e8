import { z } from 'zod';

/** What the authorization server needs to know about itself. What the gateway is, it reads from the gateway's own file. */
export const authServerConfigSchema = z.strictObject({
  gatewayFile: z.string().min(1).describe('The gateway’s switchyard.yaml. The sections `gateway` and `identity` are read.'),
  listen: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1').describe('Address that the listener binds to.'),
      port: z.int().min(0).max(65_535).default(8081).describe('Port of the listener. 0 picks a free one.'),
    })
    .prefault({})
    .describe('Where the edge reaches the authorization server.'),
});

export type AuthServerConfig = z.infer<typeof authServerConfigSchema>;
