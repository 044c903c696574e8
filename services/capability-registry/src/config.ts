import { DEFAULT_TENANT } from '@switchyard/contracts';
import { z } from 'zod';

/** What the capability registry itself needs to know. */
export const capabilityRegistryConfigSchema = z.strictObject({
  gatewayFile: z.string().min(1).describe('The switchyard.yaml that is served and watched.'),
  host: z.string().min(1).default('127.0.0.1').describe('Address that the HTTP admin API binds to.'),
  port: z.int().min(0).max(65_535).default(8083).describe('Port of the HTTP admin API. 0 picks a free one.'),
  tenant: z.string().min(1).default(DEFAULT_TENANT).describe('Tenant that the configuration belongs to.'),
});

export type CapabilityRegistryConfig = z.output<typeof capabilityRegistryConfigSchema>;
