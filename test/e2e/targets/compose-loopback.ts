import { connect, createServer, type AddressInfo } from 'node:net';
import { SERVICES } from './target.js';

/** Name under which containers reach the machine that they run on. */
export const HOST = 'host.docker.internal';

/** Makes a port of loopback reachable from containers, at the address of this machine that they know. @returns the port there */
export async function relayToLoopback(port: number, hostAddress: string, undo: AsyncDisposableStack): Promise<number> {
  const relay = createServer((inbound) => {
    const outbound = connect(port, '127.0.0.1');
    inbound.pipe(outbound).pipe(inbound);
    inbound.on('error', () => outbound.destroy()).on('close', () => outbound.destroy());
    outbound.on('error', () => inbound.destroy()).on('close', () => inbound.destroy());
  });
  await new Promise<void>((resolve) => relay.listen(0, hostAddress, resolve));
  undo.defer(() => new Promise((resolve) => void relay.close(() => resolve())));
  return (relay.address() as AddressInfo).port;
}

const RELAY = `
const { connect, createServer } = require('node:net');
for (const [here, there] of JSON.parse(process.argv[1]))
  createServer((inbound) => {
    const outbound = connect(there, '${HOST}');
    inbound.pipe(outbound).pipe(inbound);
    inbound.on('error', () => outbound.destroy()).on('close', () => outbound.destroy());
    outbound.on('error', () => inbound.destroy()).on('close', () => inbound.destroy());
  }).listen(here, '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));`;

/**
 * Containers that give each service's loopback the listeners that this machine's has: an issuer of OAuth has one URL, which
 * browsers on this machine and services in containers must both reach.
 * @param ports of loopback, each with where containers reach it
 */
export function loopbackRelays(image: string, ports: ReadonlyMap<number, number>): Readonly<Record<string, object>> {
  const relays = SERVICES.map((service) => [
    `loopback-of-${service}`,
    {
      image,
      network_mode: `service:${service}`,
      command: ['-e', RELAY, JSON.stringify([...ports])],
      healthcheck: { disable: true },
    },
  ]);
  return ports.size === 0 ? {} : (Object.fromEntries(relays) as Record<string, object>);
}
