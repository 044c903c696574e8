import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { RunningService } from '@switchyard/runtime';
import type { EdgeProxyConfig } from './config.js';
import { EdgeProxyModule } from './edge-proxy.module.js';
import { type EdgeProxyDeps, PublicEdge } from './public-edge.js';

/**
 * Starts the edge.
 * @throws the listener's error, for example when the port is taken
 */
export async function startEdgeProxy(config: EdgeProxyConfig, deps: EdgeProxyDeps): Promise<RunningService> {
  const edge = await PublicEdge.open(config, deps);
  const app = await NestFactory.createApplicationContext(EdgeProxyModule.register(edge), { logger: false, abortOnError: false });
  const [port] = await edge.listen().catch(async (error: unknown) => {
    await app.close();
    throw error;
  });
  const url = new URL(config.publicUrl);
  const host = config.listen.host === '0.0.0.0' ? url.hostname : config.listen.host;
  return {
    name: 'edge-proxy',
    urls: { public: `${url.protocol}//${host}:${port}` },
    readiness: () => edge.readiness(),
    close: () => app.close(),
  };
}
