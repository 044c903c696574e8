import { createClient } from '@clickhouse/client';
import { connect } from '@nats-io/transport-node';
import { clickhouseUrl } from './clickhouse-server.js';
import { natsUrl } from './nats-server.js';

it('the shared nats-server answers and has JetStream', async () => {
  const connection = await connect({ servers: natsUrl() });
  expect(connection.info?.jetstream).toBe(true);
  await connection.close();
});

it('the shared ClickHouse answers', async () => {
  const client = createClient({ url: clickhouseUrl() });
  const rows = await client.query({ query: 'SELECT version() AS version', format: 'JSONEachRow' });
  expect(await rows.json()).toEqual([{ version: expect.stringMatching(/^2\d\.\d+/) as string }]);
  await client.close();
});
