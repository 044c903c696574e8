import { openNatsPlatform } from '@switchyard/platform';
import { boot } from '@switchyard/runtime';
import { capabilityRegistryFileSchema } from './config.js';
import { startCapabilityRegistry } from './start.js';

await boot({
  service: 'capability-registry',
  schema: capabilityRegistryFileSchema,
  management: (config) => config.management,
  start: async ({ platform: platformConfig, management: _management, ...config }, onWaiting) => {
    const platform = await openNatsPlatform(platformConfig, 'capability-registry');
    const running = await startCapabilityRegistry(config, { ...platform, onWaiting });
    return { running, metrics: () => platform.telemetry.metricsText(), close: () => platform.close() };
  },
});
