import { openNatsPlatform } from '@switchyard/platform';
import { boot } from '@switchyard/runtime';
import { analyticsFileSchema } from './config.js';
import { startAnalytics } from './start.js';

await boot({
  service: 'analytics',
  schema: analyticsFileSchema,
  management: (config) => config.management,
  start: async ({ platform: platformConfig, ...config }, onWaiting) => {
    const platform = await openNatsPlatform(platformConfig, 'analytics');
    const running = await startAnalytics(config, { ...platform, onWaiting });
    return { running, metrics: () => platform.telemetry.metricsText(), close: () => platform.close() };
  },
});
