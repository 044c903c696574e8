import { CERTIFICATE } from '@switchyard/testing';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type AddressInfo, type Server } from 'node:net';
import { Egress, EgressBlocked, LOOPBACK } from './index.js';

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('fetch with certificates and a proxy of its own', () => {
  const tunnels: string[] = [];
  const plain = createServer((_request, response) => response.end('plain'));
  const secure = createTlsServer(CERTIFICATE, (_request, response) => response.end('secure'));
  const proxy = createServer((_request, response) => response.writeHead(405).end());
  proxy.on('connect', ({ url = '' }, client, head) => {
    tunnels.push(url);
    const server = connect(Number(url.split(':')[1]), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      server.write(head);
      server.pipe(client).pipe(server);
    });
    server.on('error', () => client.destroy());
    client.on('error', () => server.destroy());
  });
  let ports: { readonly plain: number; readonly secure: number; readonly proxy: number };
  let egress: Egress | undefined;
  const open = (options: Partial<ConstructorParameters<typeof Egress>[0]>) =>
    (egress = new Egress({ allowed: LOOPBACK, connectTimeoutMs: 5_000, ...options }));
  const text = async (opened: Egress, url: string) => (await opened.fetch(url)).text();

  beforeAll(async () => {
    ports = { plain: await listening(plain), secure: await listening(secure), proxy: await listening(proxy) };
  });
  beforeEach(() => void tunnels.splice(0));
  afterEach(() => egress?.close());
  afterAll(() => [plain, secure, proxy].forEach((server) => (server.closeAllConnections(), server.close())));

  it('trusts the certificates that it is given, and no others', async () => {
    const url = `https://localhost:${ports.secure}/`;
    expect(await text(open({ ca: CERTIFICATE.cert }), url)).toBe('secure');
    await egress?.close();
    await expect(text(open({}), url)).rejects.toThrow('fetch failed');
  });

  it.each([
    ['http', () => `http://127.0.0.1:${ports.plain}/`, 'plain'],
    ['https', () => `https://localhost:${ports.secure}/`, 'secure'],
  ])('goes through a proxy to %s, by a tunnel', async (_scheme, url, answer) => {
    const through = new URL(`http://127.0.0.1:${ports.proxy}`);
    expect(await text(open({ ca: CERTIFICATE.cert, proxy: through }), url())).toBe(answer);
    expect(tunnels).toEqual([new URL(url()).host]);
  });

  it('guards the proxy as it guards servers', async () => {
    const through = new URL(`http://127.0.0.1:${ports.proxy}`);
    const refused = text(open({ allowed: [], proxy: through }), 'http://example.com/');
    await expect(refused).rejects.toMatchObject({ cause: expect.any(EgressBlocked) as EgressBlocked });
    expect(tunnels).toEqual([]);
  });
});
