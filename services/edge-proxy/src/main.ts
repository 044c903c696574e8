import { loadGatewayConfig } from '@switchyard/gateway-config';
import { openNatsPlatform } from '@switchyard/platform';
import { boot } from '@switchyard/runtime';
import { edgeProxyFileSchema } from './config.js';
import { startEdgeProxy } from './start.js';

await boot({
  service: 'edge-proxy',
  schema: edgeProxyFileSchema,
  management: (config) => config.management,
  start: async ({ gatewayFile, listen, tls, certificateProxies, services, limits, platform: platformConfig }, _waiting, file) => {
    const { gateway, identity } = loadGatewayConfig(gatewayFile);
    const { publicUrl } = gateway;
    const platform = await openNatsPlatform(platformConfig, 'edge-proxy');
    const running = await startEdgeProxy(
      {
        ...{ listen, services, limits, publicUrl, emitter: platformConfig.emitter, tlsSource: { file, path: ['tls'] } },
        ...{ tls, certificateProxies, certificateUrl: identity.clientCertificates.endpointsUrl },
      },
      platform,
    );
    return { running, metrics: () => platform.telemetry.metricsText(), close: () => platform.close() };
  },
});
