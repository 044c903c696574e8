import { lookup } from 'node:dns';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { connectSocket, type Lookup } from './connect.js';
import type { EgressControl } from './connection.js';
import { ConnectionPool } from './connection-pool.js';

interface Answer {
  readonly status: number;
  readonly body: string;
}

interface Asked {
  readonly answer: Promise<Answer>;
  readonly control: () => EgressControl;
}

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const resolveName: Lookup = (name, options, done) => lookup(name, { ...options, all: true }, done);

function poolTo(port: number, limit = 8): ConnectionPool {
  const target = { secure: false, host: '127.0.0.1', port };
  const pool = new ConnectionPool(
    (onData, done) => connectSocket(target, { timeoutMs: 20_000, lookup: resolveName }, onData, done),
    limit,
  );
  closers.push(() => pool.close());
  return pool;
}

async function httpServer(listener: RequestListener): Promise<{ port: number; connections: () => number }> {
  let connections = 0;
  const server = createHttpServer(listener);
  server.on('connection', () => (connections += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => (server.closeAllConnections(), void server.close()));
  return { port: (server.address() as AddressInfo).port, connections: () => connections };
}

/** A server that says whatever the test says. */
async function rawServer(speak: (socket: Socket, request: number) => void): Promise<number> {
  const server = createServer((socket) => {
    let request = 0;
    socket.on('error', () => undefined);
    socket.on('data', () => speak(socket, (request += 1)));
    closers.push(() => void socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => void server.close());
  return (server.address() as AddressInfo).port;
}

function ask(
  pool: ConnectionPool,
  {
    body,
    timeoutMs = 30_000,
    onData,
  }: { body?: Buffer; timeoutMs?: number; onData?: (size: number, control: EgressControl) => void } = {},
): Asked {
  let held: EgressControl | undefined;
  const answer = new Promise<Answer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let status = 0;
    pool.send({
      head: `POST / HTTP/1.1\r\nhost: test\r\ncontent-length: ${body?.length ?? 0}\r\n\r\n`,
      body,
      headersTimeoutMs: timeoutMs,
      bodyTimeoutMs: timeoutMs,
      sink: {
        start: (control) => (held = control),
        head: (code) => (status = code),
        data: (chunk, control) => (chunks.push(chunk), onData?.(chunk.length, control)),
        end: () => resolve({ status, body: Buffer.concat(chunks).toString() }),
        fail: reject,
      },
    });
  });
  answer.catch(() => undefined);
  return { answer, control: () => held! };
}

const codeOf = (asked: Asked) =>
  asked.answer.then(
    () => 'answered',
    (error: Error & { code?: string }) => error.code ?? error.message,
  );

describe('connections to one server', () => {
  it('are used again, and no more of them are made than may be', async () => {
    const server = await httpServer((request, response) => void request.pipe(response));
    const pool = poolTo(server.port, 2);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => ask(pool, { body: Buffer.from(`${index}`) }).answer),
    );
    expect(answers.map(({ body }) => body)).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`));
    expect(server.connections()).toBe(2);
  });

  it('carry large bodies both ways', async () => {
    const server = await httpServer((request, response) => void request.pipe(response));
    const body = Buffer.alloc(3 * 1024 * 1024, 'x');
    expect((await ask(poolTo(server.port), { body }).answer).body.length).toBe(body.length);
  });

  it('wait while a caller wants no more', async () => {
    const server = await httpServer((_request, response) => void response.end(Buffer.alloc(8 * 1024 * 1024)));
    let received = 0;
    const asked = ask(poolTo(server.port), {
      onData: (size, control) => (received += size) < 100_000 && control.pause(),
      timeoutMs: 1_000,
    });
    // Longer than the silence that is allowed, which is not the server's.
    await new Promise((resolve) => setTimeout(resolve, 1_400));
    expect(received).toBeLessThan(1024 * 1024);
    asked.control().resume();
    expect((await asked.answer).body.length).toBe(8 * 1024 * 1024);
  });

  it.each([
    ['silence', () => undefined, 'RESPONSE_TIMEOUT'],
    [
      'silence in the body',
      (socket: Socket) => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx'),
      'RESPONSE_TIMEOUT',
    ],
    ['a close without an answer', (socket: Socket) => void socket.end(), 'CONNECTION_CLOSED'],
    [
      'a close within the body',
      (socket: Socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx'),
      'CONNECTION_CLOSED',
    ],
    ['what is not HTTP', (socket: Socket) => void socket.write('+OK ready\r\n'), 'INVALID_RESPONSE'],
    ['a reset', (socket: Socket) => void socket.resetAndDestroy(), 'ECONNRESET'],
  ])('tell of %s, and the next request goes over another', async (_id, speak, code) => {
    let first = true;
    const port = await rawServer((socket) => {
      if (first) speak(socket);
      else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      first = false;
    });
    const pool = poolTo(port);
    // Only silence is waited for; what is answered may take as long as a busy machine does.
    expect(await codeOf(ask(pool, { timeoutMs: code === 'RESPONSE_TIMEOUT' ? 100 : 10_000 }))).toBe(code);
    expect((await ask(pool).answer).body).toBe('ok');
  });

  it('tell of a server that is not there', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    expect(await codeOf(ask(poolTo(port)))).toBe('ECONNREFUSED');
  });

  it('never take bytes that nobody asked for as an answer', async () => {
    const port = await rawServer((socket, request) => {
      const answer = (body: string) => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
      socket.write(request === 1 ? answer('one') + answer('forged') : answer('two'));
    });
    const pool = poolTo(port, 1);
    expect((await ask(pool).answer).body).toBe('one');
    // The connection is gone, so this is the first request of another.
    expect((await ask(pool).answer).body).toBe('one');
  });

  it('are not used again when the server is about to close them', async () => {
    const server = await httpServer((_request, response) => void response.writeHead(200, { 'keep-alive': 'timeout=1' }).end('x'));
    const pool = poolTo(server.port);
    await ask(pool).answer;
    await ask(pool).answer;
    expect(server.connections()).toBe(2);
  });

  it('let go of what is given up, under way or waiting', async () => {
    let requests = 0;
    const server = await httpServer(() => (requests += 1));
    const pool = poolTo(server.port, 1);
    const running = ask(pool);
    const waiting = ask(pool);
    waiting.control().abort(new Error('given up'));
    expect(await codeOf(waiting)).toBe('given up');
    while (requests === 0) await new Promise((resolve) => setImmediate(resolve));
    running.control().abort(new Error('given up'));
    running.control().abort(new Error('twice'));
    expect(await codeOf(running)).toBe('given up');
    expect(requests).toBe(1);
  });

  it('end with the pool', async () => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
    const server = await httpServer(() => arrive());
    const pool = poolTo(server.port, 1);
    const asked = [ask(pool), ask(pool)];
    await arrived;
    pool.close();
    expect(await Promise.all(asked.map(codeOf))).toEqual(['CONNECTION_CLOSED', 'the gateway is being stopped']);
  });
});
