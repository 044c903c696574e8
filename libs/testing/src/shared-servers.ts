import { startClickHouse } from './clickhouse-server.js';
import { startNats } from './nats-server.js';

const shared = new AsyncDisposableStack();

/**
 * Starts one nats-server and one ClickHouse engine for all tests of a run, unless TEST_NATS_URL or TEST_CLICKHOUSE_URL name
 * servers that stand ready, or TEST_NATS_IMAGE or TEST_CLICKHOUSE_IMAGE name container images to run instead.
 */
export async function startSharedServers(): Promise<void> {
  // Ending by exit() rather than by the signal lets servers and folders go.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  await Promise.all([
    share('SWITCHYARD_TEST_NATS_URL', process.env['TEST_NATS_URL'], () => natsFrom(process.env['TEST_NATS_IMAGE'])),
    share('SWITCHYARD_TEST_CLICKHOUSE_URL', process.env['TEST_CLICKHOUSE_URL'], () =>
      clickHouseFrom(process.env['TEST_CLICKHOUSE_IMAGE']),
    ),
  ]);
}

/** Stops what startSharedServers started. */
export async function stopSharedServers(): Promise<void> {
  await shared.disposeAsync();
}

const natsFrom = async (image: string | undefined): Promise<Server> =>
  image ? (await import('./containers.js')).startNatsContainer(image) : startNats();

const clickHouseFrom = async (image: string | undefined): Promise<Server> =>
  image ? (await import('./containers.js')).startClickHouseContainer(image) : startClickHouse();

type Server = AsyncDisposable & { readonly url: string };

async function share(variable: string, standing: string | undefined, start: () => Promise<Server>): Promise<void> {
  process.env[variable] = standing ?? shared.use(await start()).url;
}
