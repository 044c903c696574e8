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

/** What the capability registry itself needs to know. */
export const capabilityRegistryConfigSchema = z.strictObject({
  gatewayFile: z.string().min(1).describe("The gateway's switchyard.yaml, which is served and watched."),
  listen: address('127.0.0.1', 8083, 'Where the edge reaches the HTTP admin API.'),
});

export type CapabilityRegistryConfig = z.output<typeof capabilityRegistryConfigSchema>;

/** The file that a lone capability registry is started with. */
export const capabilityRegistryFileSchema = capabilityRegistryConfigSchema.extend({
  management: address('127.0.0.1', 9083, 'Where /health, /ready and /metrics are served.'),
  platform: platformSchema,
});
