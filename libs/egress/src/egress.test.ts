import { CERTIFICATE, CLIENT_CERTIFICATES } from '@switchyard/testing';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { type ClientCertificate, Egress, EgressBlocked, LOOPBACK, NO_FIELDS, withField } from './index.js';

let server: Server;
let port: number;
let connections = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/redirect') response.writeHead(302, { location: '/' }).end();
    else response.end(`${request.method} ${request.headers['x-test'] ?? ''}`);
  });
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, resolve));
  port = (server.address() as AddressInfo).port;
});

afterAll(() => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))));

function get(egress: Egress, url: string, certificate?: ClientCertificate): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let status = 0;
    egress.send(
      {
        url: new URL(url),
        method: 'GET',
        fields: withField(NO_FIELDS, 'x-test', 'yes'),
        certificate,
        headersTimeoutMs: 2000,
        bodyTimeoutMs: 2000,
      },
      {
        start: () => undefined,
        head: (code) => (status = code),
        data: (chunk) => chunks.push(chunk),
        end: () => resolve({ status, body: Buffer.concat(chunks).toString() }),
        fail: reject,
      },
    );
  });
}

describe('egress', () => {
  it.each([
    ['SSRF-1 loopback literal', 'http://127.0.0.1'],
    ['SSRF-2 loopback as decimal', 'http://2130706433'],
    ['SSRF-3 loopback as short hex', 'http://0x7f.1'],
    ['SSRF-4 unspecified address', 'http://0'],
    ['SSRF-5 IPv6 loopback', 'http://[::1]'],
    ['SSRF-6 IPv4-mapped IPv6', 'http://[::ffff:127.0.0.1]'],
    ['SSRF-7 name that resolves to loopback', 'http://localhost'],
  ])('%s is blocked before a connection is made', async (_id, origin) => {
    const egress = new Egress({ allowed: [], connectTimeoutMs: 1000 });
    const before = connections;
    await expect(get(egress, `${origin}:${port}/`)).rejects.toBeInstanceOf(EgressBlocked);
    expect(connections).toBe(before);
    await egress.close();
  });

  it.each([
    ['link-local metadata address', 'http://169.254.169.254/'],
    ['private range', 'http://10.1.2.3/'],
    ['NAT64 of a private address', 'http://[64:ff9b::a01:203]/'],
    ['6to4', 'http://[2002:7f00:1::]/'],
  ])('SSRF %s is blocked', async (_id, url) => {
    const egress = new Egress({ allowed: LOOPBACK, connectTimeoutMs: 1000 });
    await expect(get(egress, url)).rejects.toBeInstanceOf(EgressBlocked);
    await egress.close();
  });

  it('reaches an allowed range, sends headers, and does not follow redirects', async () => {
    const egress = new Egress({ allowed: LOOPBACK, connectTimeoutMs: 1000 });
    expect(await get(egress, `http://127.0.0.1:${port}/`)).toEqual({ status: 200, body: 'GET yes' });
    expect(await get(egress, `http://localhost:${port}/redirect`)).toMatchObject({ status: 302 });
    await expect(egress.fetch(`http://127.0.0.1:${port}/redirect`)).rejects.toThrow();
    await egress.close();
  });

  it('speaks TLS, also over a connection that is used again, where the certificate can be trusted', async () => {
    const secure = createTlsServer(CERTIFICATE, (request, response) => response.end(`${request.method} over TLS`));
    let handshakes = 0;
    secure.on('secureConnection', () => (handshakes += 1));
    await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve));
    const egress = new Egress({ allowed: LOOPBACK, connectTimeoutMs: 1000 });
    const url = `https://localhost:${(secure.address() as AddressInfo).port}/`;
    await expect(get(egress, url)).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    const before = getCACertificates('default');
    setDefaultCACertificates([...before, CERTIFICATE.cert]);
    expect(await get(egress, url)).toEqual({ status: 200, body: 'GET over TLS' });
    expect(await get(egress, url)).toEqual({ status: 200, body: 'GET over TLS' });
    expect(handshakes).toBe(1);
    setDefaultCACertificates(before);
    await egress.close();
    await new Promise((resolve) => (secure.closeAllConnections(), secure.close(resolve)));
  });

  it('shows each certificate on connections of its own, and none where there is none', async () => {
    const shownBy = (socket: TLSSocket) => String(socket.getPeerCertificate().subject?.CN ?? 'nobody');
    const secure = createTlsServer({ ...CERTIFICATE, requestCert: true, rejectUnauthorized: false }, (request, response) =>
      response.end(shownBy(request.socket as TLSSocket)),
    );
    let handshakes = 0;
    secure.on('secureConnection', () => (handshakes += 1));
    await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve));
    const egress = new Egress({ allowed: LOOPBACK, connectTimeoutMs: 1000 });
    const url = `https://localhost:${(secure.address() as AddressInfo).port}/`;
    const before = getCACertificates('default');
    setDefaultCACertificates([...before, CERTIFICATE.cert]);
    // New objects each time, as leases are: it is what they hold that counts.
    const of = ({ certificate, key }: { certificate: string; key: string }) => ({ tlsCertificate: certificate, tlsKey: key });
    const { finance, ops } = CLIENT_CERTIFICATES;
    for (let round = 0; round < 3; round += 1) {
      expect((await get(egress, url, of(finance))).body).toBe('gateway-finance');
      expect((await get(egress, url)).body).toBe('nobody');
      expect((await get(egress, url, of(ops))).body).toBe('gateway-ops');
    }
    expect(handshakes).toBe(3);
    setDefaultCACertificates(before);
    await egress.close();
    await new Promise((resolve) => (secure.closeAllConnections(), secure.close(resolve)));
  });

  it('takes a new allow list at run time', async () => {
    const egress = new Egress({ allowed: [], connectTimeoutMs: 1000 });
    await expect(get(egress, `http://127.0.0.1:${port}/`)).rejects.toBeInstanceOf(EgressBlocked);
    egress.setAllowed(['127.0.0.1/32']);
    expect(await get(egress, `http://127.0.0.1:${port}/`)).toMatchObject({ status: 200 });
    await egress.close();
  });
});
