import { listenAddress, platformSchema } from '@switchyard/platform';
import { z } from 'zod';

/** What the capability registry itself needs to know. */
export const capabilityRegistryConfigSchema = z.strictObject({
  gatewayFile: z.string().min(1).describe("The gateway's switchyard.yaml, which is served and watched."),
  gatewayPort: z.int().min(0).max(65_535).optional().describe('Instead of `gateway.port` in that file.'),
  listen: listenAddress('127.0.0.1', 8083, 'Where the edge reaches the HTTP admin API.'),
});

export type CapabilityRegistryConfig = z.output<typeof capabilityRegistryConfigSchema>;

/** The file that a lone capability registry is started with. */
export const capabilityRegistryFileSchema = capabilityRegistryConfigSchema.extend({
  management: listenAddress('127.0.0.1', 9083, 'Where /health, /ready and /metrics are served.'),
  platform: platformSchema,
});
