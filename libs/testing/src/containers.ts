import { GenericContainer, Wait } from 'testcontainers';

/** A server in a container, gone with its scope. */
export interface ContainerServer extends AsyncDisposable {
  readonly url: string;
}

/** Starts nats-server with JetStream from an image. Needs a container engine. */
export async function startNatsContainer(image: string): Promise<ContainerServer> {
  const port = 4222;
  const container = await new GenericContainer(image)
    .withCommand(['-js'])
    .withExposedPorts(port)
    .withWaitStrategy(Wait.forListeningPorts())
    .start();
  return {
    url: `nats://${container.getHost()}:${container.getMappedPort(port)}`,
    [Symbol.asyncDispose]: async () => void (await container.stop()),
  };
}

/** Starts ClickHouse from an image, user `default` without a password. Needs a container engine. */
export async function startClickHouseContainer(image: string): Promise<ContainerServer> {
  const port = 8123;
  const container = await new GenericContainer(image)
    .withEnvironment({ CLICKHOUSE_SKIP_USER_SETUP: '1' })
    .withExposedPorts(port)
    .withWaitStrategy(Wait.forHttp('/ping', port))
    .start();
  return {
    url: `http://${container.getHost()}:${container.getMappedPort(port)}`,
    [Symbol.asyncDispose]: async () => void (await container.stop()),
  };
}
