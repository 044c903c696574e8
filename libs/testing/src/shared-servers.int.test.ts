import { createClient } from '@clickhouse/client';
import { once } from 'node:events';
import net from 'node:net';
import { clickhouseUrl } from './clickhouse-server.js';
import { natsUrl } from './nats-server.js';

it('the shared nats-server is new enough and has JetStream', async () => {
  const { hostname, port } = new URL(natsUrl());
  const socket = net.connect(Number(port), hostname);
  const [greeting] = (await once(socket, 'data')) as [Buffer];
  const info = JSON.parse(greeting.toString().replace('INFO ', '')) as { version: string; jetstream: boolean };
  expect(info.jetstream).toBe(true);
  expect(info.version.localeCompare('2.15.1', 'en', { numeric: true })).toBeGreaterThanOrEqual(0);
  socket.destroy();
});

it('the shared ClickHouse answers', async () => {
  const client = createClient({ url: clickhouseUrl() });
  const rows = await client.query({ query: 'SELECT version() AS version', format: 'JSONEachRow' });
  expect(await rows.json()).toEqual([{ version: expect.stringMatching(/^2\d\.\d+/) as string }]);
  await client.close();
});
