import { openApiDocument } from '@switchyard/contracts';
import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect as tcpConnect, type AddressInfo } from 'node:net';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { exchange } from './raw-client.fixture.js';

const API_PATHS = Object.keys((openApiDocument('http://x') as { paths: object }).paths);

let service: Server;
let streaming: ServerResponse | undefined;
let received: { url: string; method: string; headers: IncomingMessage['headers']; body: string }[] = [];
let edge: TestEdge;
let lonely: TestEdge;

beforeAll(async () => {
  service = createServer((request, response) => {
    if (request.url === '/oauth/stream') {
      streaming = response;
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' }).write('id: 1\n\n');
      return;
    }
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
    request.on('end', () => {
      received.push({ url: request.url ?? '', method: request.method ?? '', headers: request.headers, body });
      response.writeHead(302, {
        location: '/oauth/interaction/1',
        'set-cookie': ['a=1', 'b=2'],
        'x-forwarded-by': 'service',
        'x-switchyard-secret': '1',
      });
      response.end('see other');
    });
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  edge = await startTestEdge({ authServer: `http://127.0.0.1:${(service.address() as AddressInfo).port}` });
  lonely = await startTestEdge();
  await edge.publish({});
});

afterAll(async () => {
  await Promise.all([edge, lonely].map((one) => one[Symbol.asyncDispose]()));
  service.closeAllConnections();
  await new Promise((resolve) => service.close(resolve));
});

beforeEach(() => (received = []));

/** Sends a request line as it is. @returns the status */
async function raw(target: string): Promise<number> {
  const { hostname, port, host } = new URL(edge.url);
  const answer = await new Promise<string>((resolve) => {
    const socket = tcpConnect(Number(port), hostname, () =>
      socket.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
    );
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    socket.on('close', () => resolve(text));
  });
  return Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
}

describe('the services behind the edge', () => {
  it('SV-1 get requests as they came, under the public host, and answer as they like', async () => {
    const answer = await exchange(edge.url, {
      path: '/oauth/token?x=%2e%2E&y=a+b',
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-request-id': 'r-1' },
      body: 'grant_type=x',
    });
    expect(answer).toMatchObject({
      status: 302,
      text: 'see other',
      headers: { location: '/oauth/interaction/1', 'set-cookie': ['a=1', 'b=2'] },
    });
    expect(received).toEqual([
      expect.objectContaining({ url: '/oauth/token?x=%2e%2E&y=a+b', method: 'POST', body: 'grant_type=x' }),
    ]);
    expect(received[0]?.headers).toMatchObject({
      host: new URL(edge.url).host,
      'x-request-id': 'r-1',
      'x-forwarded-proto': 'http',
    });
  });

  it('SV-2 (E22) believe nothing that only the edge may say; nor does the client hear what is internal', async () => {
    const answer = await exchange(edge.url, {
      path: '/oauth/authorize',
      method: 'GET',
      headers: {
        'x-forwarded-host': 'evil.example',
        'x-forwarded-for': '6.6.6.6',
        forwarded: 'host=evil.example',
        'x-real-ip': '6.6.6.6',
        'x-switchyard-tenant': 'other',
      },
    });
    expect(received[0]?.headers['x-forwarded-for']).toMatch(/127\.0\.0\.1$/);
    for (const name of ['x-forwarded-host', 'forwarded', 'x-real-ip', 'x-switchyard-tenant'])
      expect(received[0]?.headers[name]).toBeUndefined();
    for (const name of ['x-forwarded-by', 'x-switchyard-secret']) expect(answer.headers[name]).toBeUndefined();
  });

  it.each([
    ['SV-3 dot segments', '/oauth/../api/v1/keys'],
    ['SV-4 a dot segment at the end', '/oauth/x/..'],
    ['SV-5 encoded dot segments', '/oauth/%2e%2e/api/v1/keys'],
    ['SV-6 a back slash', '/oauth\\..\\api'],
    ['SV-7 another path of the service', '/internal'],
    ['SV-8 an absolute URL', 'http://elsewhere.example/oauth/token'],
    ['SV-9 a double slash', '//oauth/token'],
  ])('%s: not found, and nobody is asked', async (_id, target) => {
    expect(await raw(target)).toBe(404);
    expect(received).toEqual([]);
  });

  it.each(API_PATHS)('SV-12 have every path of the API description handed on: %s', async (template) => {
    const path = template.replaceAll(/\{\w+\}/g, '1');
    // Only the authorization server is there; the others are away.
    expect([302, 503]).toContain((await exchange(edge.url, { path, method: 'GET' })).status);
  });

  it('SV-10 that are away are said to be, with 503', async () => {
    const answer = await exchange(lonely.url, { path: '/oauth/token', body: {} });
    expect([answer.status, answer.headers['content-type']]).toEqual([503, 'application/problem+json']);
    expect(answer.text).not.toContain('127.0.0.1');
  });

  it('SV-13 may answer for as long as they like: each piece comes through at once, and they hear when the client has gone', async () => {
    const client = httpRequest(`${edge.url}/oauth/stream`).end();
    const answer = await new Promise<IncomingMessage>((resolve, reject) =>
      client.once('response', resolve).once('error', reject),
    );
    expect(answer.headers).toMatchObject({ 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    answer.setEncoding('utf8').on('error', () => undefined);
    const piece = () => new Promise<string>((resolve) => answer.once('data', resolve));
    expect(await piece()).toBe('id: 1\n\n');
    for (const text of ['id: 2\n\n', ': still there\n\n']) {
      const next = piece();
      streaming?.write(text);
      expect(await next).toBe(text);
    }
    const gone = new Promise((resolve) => streaming?.once('close', resolve));
    client.destroy();
    await gone;
  });

  it('SV-11 get no body that is larger than they take', async () => {
    expect((await exchange(edge.url, { path: '/oauth/token', body: 'x'.repeat(1024 * 1024 + 1) })).status).toBe(413);
    expect(received).toEqual([]);
  });
});
