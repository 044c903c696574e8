import { eventually } from '@switchyard/testing';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import type { Place } from './places.js';

/** Somebody who only listens. */
export interface Listener extends AsyncDisposable {
  readonly url: string;
  /** Everything so far. */
  heard(): Place;
}

/** A collector of OpenTelemetry that keeps what it is sent, as it is sent: OTLP over HTTP, uncompressed protobuf or JSON. */
export async function startCollector(): Promise<Listener> {
  const chunks: Buffer[] = [];
  const server = createServer((request, response) => {
    chunks.push(Buffer.from(`${request.url}\n${request.rawHeaders.join('\n')}\n`));
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard: () => ({ name: 'traces', bytes: Buffer.concat(chunks) }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}

/**
 * Everything that passes over NATS, as raw bytes: spoken by hand, so that no client library decides what to show.
 * Listening to every inbox keeps pull requests alive that nobody waits for any more, so consumers may miss messages for a while.
 */
export async function tapNats(url: string): Promise<Listener> {
  const chunks: Buffer[] = [];
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    if (chunk.includes('PING\r\n')) socket.write('PONG\r\n');
  });
  socket.on('error', () => socket.destroy());
  socket.write('CONNECT {"verbose":false,"headers":true}\r\nSUB > 1\r\nPING\r\n');
  await eventually(() => Buffer.concat(chunks).includes('PONG\r\n'));
  return {
    url,
    heard: () => ({ name: 'bus', bytes: Buffer.concat(chunks) }),
    [Symbol.asyncDispose]: async () => void socket.destroy(),
  };
}
