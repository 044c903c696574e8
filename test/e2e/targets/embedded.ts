import { startClickHouse, tempDir, freePort } from '@switchyard/testing';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gatewayFile, onThisMachine, REPOSITORY } from './gateway-file.js';
import { startNode, type LoggedProcess } from './logged-process.js';
import type { LocalTarget, OwnGatewayFile } from './target.js';
import { startUpstreamFixtures } from './upstream-fixtures.js';

/** The `switchyard` command. */
export const SWITCHYARD = path.join(REPOSITORY, 'services/standalone/bin/switchyard.mjs');

/** Starts everything in one process, with the command that people start it with. */
export async function startEmbedded(own?: OwnGatewayFile): Promise<LocalTarget> {
  await using undo = new AsyncDisposableStack();
  const { path: dir } = undo.use(await tempDir());
  const upstreams = undo.use(await startUpstreamFixtures());
  const port = await freePort();
  const publicUrl = `http://localhost:${port}`;
  const file = path.join(dir, 'switchyard.yaml');
  const urls = { ledgerUrl: upstreams.ledger.url, lockedUrl: upstreams.locked.url };
  const place = { publicUrl, host: '127.0.0.1', port };
  await writeFile(file, (await own?.text({ ...place, ...urls })) ?? gatewayFile({ ...place, ...onThisMachine, ...urls }));

  const upstreamKey = randomBytes(24).toString('base64url');
  const ended: string[] = [];
  const up = () =>
    startNode({
      name: 'switchyard up',
      args: [SWITCHYARD, 'up', '--verbose'],
      env: {
        ...{ E2E_UPSTREAM_KEY: upstreamKey, ...own?.env },
        ...(own?.otlpEndpoint !== undefined && { OTEL_EXPORTER_OTLP_ENDPOINT: own.otlpEndpoint }),
      },
      cwd: dir,
    });
  const isReady = (one: LoggedProcess) => one.written(/^Switchyard serves /m);
  let gateway = up();
  undo.defer(async () => void (await gateway.end('SIGKILL')));

  await isReady(gateway);
  const dataDir = path.join(dir, '.switchyard');
  const cli = JSON.parse(await readFile(path.join(dataDir, 'cli.json'), 'utf8')) as { key: string; managementUrl: string };
  const started = undo.move();
  return {
    publicUrl,
    adminKey: cli.key,
    upstreams,
    gatewayFile: file,
    upstreamKey,
    natsUrl: undefined,
    storage: [dataDir],
    openDatabase: () => startClickHouse({ dataDir: path.join(dataDir, 'clickhouse') }),
    managementUrls: [cli.managementUrl],
    pid: () => gateway.pid,
    restart: async () => {
      await gateway.end('SIGKILL');
      ended.push(gateway.output());
      gateway = up();
      await isReady(gateway);
    },
    logs: async () => [...ended, gateway.output()].join('\n'),
    printConfig: async () => {
      const validate = startNode({ name: 'switchyard validate', args: [SWITCHYARD, 'validate'], env: { ...own?.env }, cwd: dir });
      expect(await validate.exited).toBe(0);
      return validate.output();
    },
    stop: async () => [await gateway.end('SIGTERM')],
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
