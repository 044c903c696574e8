// Several edges in one process, each on a connection of its own to NATS and on a port of its own. Told what in one argument, as JSON.
import path from 'node:path';
import { edgeProxyConfigSchema, startEdgeProxy } from '@switchyard/edge-proxy';
import { openNatsPlatform } from '@switchyard/platform';

const { names, ports, natsUrl, publicUrl, authServer, tokenVault, dir } = JSON.parse(process.argv[2]);
const unused = 'http://127.0.0.1:9';
const closers = [];
for (const [index, emitter] of names.entries()) {
  const platform = await openNatsPlatform(
    {
      nats: { servers: [natsUrl], replicas: 1 },
      audit: { dir: path.join(dir, `spool-${emitter}`), limitBytes: 2 ** 28 },
      emitter,
      logLevel: 'error',
    },
    'edge-proxy',
  );
  const config = edgeProxyConfigSchema.parse({
    listen: { host: '127.0.0.1', port: ports[index] },
    publicUrl,
    emitter,
    services: { authServer, tokenVault, capabilityRegistry: unused, analytics: unused },
    limits: { drainTimeoutMs: 0 },
  });
  const running = await startEdgeProxy(config, platform);
  closers.unshift(() => running.close().then(() => platform.close()));
}
process.once('SIGTERM', () => void Promise.all(closers.map((close) => close())).then(() => process.exit(0)));
console.log('ready');
