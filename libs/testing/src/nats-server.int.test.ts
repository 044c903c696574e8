import { once } from 'node:events';
import net from 'node:net';
import { startNats } from './nats-server.js';

const answers = async (url: string) => {
  const { hostname, port } = new URL(url);
  const socket = net.connect(Number(port), hostname);
  return once(socket, 'data').then(
    () => socket.destroy() !== undefined,
    () => false,
  );
};

it('an own server goes and comes back on the same port, and is gone at the end', async () => {
  const server = await startNats();
  expect(await answers(server.url)).toBe(true);
  await server.kill();
  expect(await answers(server.url)).toBe(false);
  await server.restart();
  expect(await answers(server.url)).toBe(true);
  await server[Symbol.asyncDispose]();
  expect(await answers(server.url)).toBe(false);
});
