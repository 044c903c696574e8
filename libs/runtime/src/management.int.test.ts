import { startManagement, type Readiness, type RunningService } from './index.js';

const service = (name: string, readiness: Readiness): RunningService => ({
  name,
  urls: {},
  readiness: async () => readiness,
  close: async () => undefined,
});

const rows: { id: string; services: RunningService[]; path: string; status: number; body: string }[] = [
  { id: 'health', services: [], path: '/health', status: 200, body: '{"status":"ok"}\n' },
  {
    id: 'ready',
    services: [service('a', { bus: 'ok' })],
    path: '/ready',
    status: 200,
    body: '{"ready":true,"services":{"a":{"bus":"ok"}}}\n',
  },
  {
    id: 'one-dependency-down',
    services: [service('a', { bus: 'ok' }), service('b', { vault: 'does not answer' })],
    path: '/ready',
    status: 503,
    body: '{"ready":false,"services":{"a":{"bus":"ok"},"b":{"vault":"does not answer"}}}\n',
  },
  { id: 'nothing-started', services: [], path: '/ready', status: 503, body: '{"ready":false,"services":{}}\n' },
  { id: 'metrics', services: [], path: '/metrics', status: 200, body: 'up 1\n' },
  { id: 'query-ignored', services: [], path: '/health?x=1', status: 200, body: '{"status":"ok"}\n' },
  {
    id: 'elsewhere',
    services: [],
    path: '/',
    status: 404,
    body: '{"error":"Only /health, /ready and /metrics are served here."}\n',
  },
];

describe('startManagement', () => {
  it.each(rows)('answers $id', async ({ services, path, status, body }) => {
    const management = await startManagement({ host: '127.0.0.1', port: 0, services, metrics: async () => 'up 1\n' });
    const response = await fetch(management.url + path);
    expect([response.status, await response.text()]).toEqual([status, body]);
    await management.close();
    await management.close();
  });

  it('says when the port is taken', async () => {
    const first = await startManagement({ host: '127.0.0.1', port: 0, services: [], metrics: async () => '' });
    const port = Number(new URL(first.url).port);
    await expect(startManagement({ host: '127.0.0.1', port, services: [], metrics: async () => '' })).rejects.toThrow(
      'EADDRINUSE',
    );
    await first.close();
  });
});
