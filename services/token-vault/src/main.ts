import { openNatsPlatform } from '@switchyard/platform';
import { boot } from '@switchyard/runtime';
import { tokenVaultFileSchema } from './config.js';
import { startTokenVault } from './start.js';

await boot({
  service: 'token-vault',
  schema: tokenVaultFileSchema,
  management: (config) => config.management,
  start: async ({ platform: platformConfig, management: _management, ...config }) => {
    const platform = await openNatsPlatform(platformConfig, 'token-vault');
    const running = await startTokenVault(config, { ...platform, env: process.env });
    return { running, metrics: () => platform.telemetry.metricsText(), close: () => platform.close() };
  },
});
