import { openNatsPlatform } from '@switchyard/platform';
import { boot } from '@switchyard/runtime';
import { startAuthServer } from './auth-server.js';
import { authServerFileSchema } from './config.js';

const showFirstAdminKey = (text: string) => {
  console.log(`First admin key, shown this once: ${text}`);
};

await boot({
  service: 'auth-server',
  schema: authServerFileSchema,
  management: (config) => config.management,
  start: async ({ platform: platformConfig, management: _management, ...config }) => {
    const platform = await openNatsPlatform(platformConfig, 'auth-server');
    const running = await startAuthServer(config, { ...platform, env: process.env, onFirstAdminKey: showFirstAdminKey });
    return { running, metrics: () => platform.telemetry.metricsText(), close: () => platform.close() };
  },
});
