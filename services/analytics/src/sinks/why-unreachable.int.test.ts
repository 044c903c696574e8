import { Egress, LOOPBACK } from '@switchyard/egress';
import { CERTIFICATE, freePort } from '@switchyard/testing';
import { once } from 'node:events';
import { createServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { whyUnreachable } from './why-unreachable.js';

async function listening(server: Server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => void server.close();
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: close };
}

const reasonOf = async (url: string) => {
  const egress = new Egress({ allowed: LOOPBACK, connectTimeoutMs: 2_000 });
  const error: unknown = await egress.fetch(url, { method: 'POST', body: 'x' }).catch((thrown: unknown) => thrown);
  await egress.close();
  return whyUnreachable(error);
};

describe('why a receiver could not be asked', () => {
  it.each([
    { id: 'WU1 nobody listens', url: async () => `http://localhost:${await freePort()}`, reason: 'connection_refused' },
    { id: 'WU2 a private address', url: async () => 'http://10.1.2.3:4318', reason: 'address_not_allowed' },
    { id: 'WU3 no such name', url: async () => 'http://no-such-host.invalid', reason: 'name_unknown' },
  ])('$id: $reason', async ({ url, reason }) => {
    expect(await reasonOf(await url())).toBe(reason);
  });

  it('WU4 a certificate that nobody trusts, and a connection that is cut', async () => {
    await using tls = await listening(createServer(CERTIFICATE));
    expect(await reasonOf(`https://localhost:${tls.port}`)).toBe('certificate_not_trusted');
    await using cutting = await listening(createTcpServer((socket) => socket.once('data', () => socket.destroy())));
    expect(await reasonOf(`http://localhost:${cutting.port}`)).toBe('connection_cut');
  });

  it.each([['no error'], [undefined], [new Error('ECONNREFUSED')]])('WU5 what is not known is just unreachable: %s', (error) => {
    expect(whyUnreachable(error)).toBe('unreachable');
  });
});
