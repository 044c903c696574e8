export { capabilityRegistryConfigSchema, type CapabilityRegistryConfig } from './config.js';
export { startCapabilityRegistry, type CapabilityRegistryDeps } from './start.js';
