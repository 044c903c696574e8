import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readiness, RunningService } from './running-service.js';

/** What the management listener shows. */
export interface ManagementOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** Read at every request, so that services may be added while they start. None yet: not ready. */
  readonly services: readonly RunningService[];
  /** Metrics in the Prometheus text format. */
  readonly metrics: () => Promise<string>;
}

/** A running management listener. */
export interface Management {
  readonly url: string;
  /** Idempotent. */
  close(): Promise<void>;
}

/**
 * Serves `GET /health` (200 while the process is up), `/ready` (200, or 503 with what is wrong) and `/metrics`.
 * @throws the listener's error, for example when the port is taken
 */
export async function startManagement(options: ManagementOptions): Promise<Management> {
  const server = createServer((request, response) => {
    answer(request.url ?? '/', options, response).catch((error: unknown) => response.destroy(asError(error)));
  });
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  let closing: Promise<void> | undefined;
  return { url: `http://${host}:${port}`, close: () => (closing ??= closeServer(server)) };
}

async function answer(target: string, options: ManagementOptions, response: ServerResponse): Promise<void> {
  switch (new URL(target, 'http://management').pathname) {
    case '/health':
      return sendJson(response, 200, { status: 'ok' });
    case '/ready': {
      const services = await readinessOf(options.services);
      return sendJson(response, isReady(services) ? 200 : 503, { ready: isReady(services), services });
    }
    case '/metrics':
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(await options.metrics());
      return;
    default:
      return sendJson(response, 404, { error: 'Only /health, /ready and /metrics are served here.' });
  }
}

async function readinessOf(services: readonly RunningService[]): Promise<Record<string, Readiness>> {
  return Object.fromEntries(
    await Promise.all(services.map(async (service) => [service.name, await service.readiness()] as const)),
  );
}

function isReady(services: Record<string, Readiness>): boolean {
  const answers = Object.values(services);
  return answers.length > 0 && answers.every((readiness) => Object.values(readiness).every((state) => state === 'ok'));
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response
    .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    .end(`${JSON.stringify(body)}\n`);
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeIdleConnections();
  });
}

const asError = (error: unknown) => (error instanceof Error ? error : new Error(String(error)));
