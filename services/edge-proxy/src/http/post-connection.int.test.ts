import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { eventually } from '@switchyard/testing';
import type { Answer, PostedRequest } from './answer.js';
import { PublicListener } from './public-listener.js';

const LIMITS = { headersTimeoutMs: 400, bodyTimeoutMs: 5_000, idleMs: 2_000 };
const log = { debug() {}, info() {}, warn() {}, error() {} };
const CLOSED = /Connection: close/i;

const message = (body: string, ...more: string[]) =>
  ['POST /mcp/a HTTP/1.1', 'Host: a', `Content-Length: ${Buffer.byteLength(body)}`, ...more, '', body].join('\r\n');

let listener: PublicListener;
let port: number;
let posted: (request: PostedRequest, answer: Answer) => Promise<void> | void;
const sockets: Socket[] = [];

const json = (answer: Answer, text: string) => {
  answer.writeHead(200, { 'content-type': 'text/plain', 'content-length': Buffer.byteLength(text) });
  answer.end(Buffer.from(text));
};

async function textOf(body: Buffer | Readable): Promise<string> {
  if (Buffer.isBuffer(body)) return body.toString();
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

beforeEach(async () => {
  posted = async (request, answer) => json(answer, `posted ${await textOf(request.body)}`);
  listener = new PublicListener(
    {
      any: async (request, response) => json(response, `node:http ${request.method} ${await textOf(request)}`),
      posted: (request, answer) => posted(request, answer),
    },
    LIMITS,
    log as never,
  );
  port = await listener.listen('127.0.0.1', 0);
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await listener.close();
});

interface Client {
  readonly socket: Socket;
  /** All that has come. */
  readonly text: () => string;
  readonly write: (text: string) => Promise<void>;
  /** Resolves when so much has come. */
  readonly heard: (wanted: string | RegExp) => Promise<true>;
}

async function open(): Promise<Client> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  sockets.push(socket);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1'))).on('error', () => undefined);
  await once(socket, 'connect');
  return {
    socket,
    text: () => text,
    write: (part) => new Promise((resolve) => socket.write(part, 'latin1', () => resolve())),
    heard: (wanted) => eventually(() => (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text))),
  };
}

const count = (text: string, part: string) => text.split(part).length - 1;

describe('a connection on which messages are posted', () => {
  it('PC-1 carries one after the other', async () => {
    const { write, heard, text } = await open();
    for (const body of ['one', 'two', 'three']) {
      await write(message(body));
      await heard(`posted ${body}`);
    }
    expect(count(text(), 'HTTP/1.1 200 OK\r\n')).toBe(3);
    expect(text()).not.toMatch(CLOSED);
  });

  it('PC-2 carries them wherever they are cut', async () => {
    const whole = message('{"some":"body"}');
    for (let at = 1; at < whole.length; at += 1) {
      const { write, heard, text } = await open();
      await write(whole.slice(0, at));
      await new Promise((resolve) => setImmediate(resolve));
      await write(whole.slice(at));
      await heard('posted {"some":"body"}');
      expect(count(text(), 'HTTP/1.1')).toBe(1);
    }
  });

  it('PC-3 answers those that come together in their order', async () => {
    const { write, heard, text } = await open();
    const bodies = Array.from({ length: 50 }, (_, index) => `n${index}.`);
    await write(bodies.map((body) => message(body)).join(''));
    await heard('posted n49.');
    expect([...text().matchAll(/posted (n\d+\.)/g)].map(([, body]) => body)).toEqual(bodies);
  });

  it('PC-4 closes where the client says that it sends no more', async () => {
    const { write, socket, text } = await open();
    await write(message('last', 'Connection: close'));
    await once(socket, 'close');
    expect(text()).toMatch(/posted last$/);
    expect(text()).toMatch(CLOSED);
  });

  it.each([
    ['PC-10 a GET', 'GET /mcp/a HTTP/1.1\r\nHost: a\r\n\r\n', /200 OK[^]*node:http GET /],
    [
      'PC-11 chunks',
      message('x').replace('Content-Length: 1', 'Transfer-Encoding: chunked').replace(/x$/, '1\r\nx\r\n0\r\n\r\n'),
      /node:http POST x/,
    ],
    ['PC-12 an expectation', message('x', 'Expect: 100-continue'), /100 Continue[^]*node:http POST x/],
    ['PC-13 another path', message('x').replace('/mcp/a', '/oauth/token'), /node:http POST x/],
    ['PC-14 an older version', message('x').replace('HTTP/1.1', 'HTTP/1.0'), /node:http POST x/],
    ['PC-15 both framings', message('0\r\n\r\n', 'Transfer-Encoding: chunked'), /^HTTP\/1.1 400 /],
    ['PC-16 two lengths', message('x', 'Content-Length: 2'), /^HTTP\/1.1 400 /],
    ['PC-17 a bare line feed', message('x').replaceAll('\r\n', '\n'), /^HTTP\/1.1 400 /],
    ['PC-18 a space before a colon', message('x', 'a : b'), /^HTTP\/1.1 400 /],
    ['PC-19 a header section without end', `POST /mcp/a HTTP/1.1\r\nHost: a\r\na: ${'b'.repeat(20_000)}`, /^HTTP\/1.1 431 /],
    ['PC-20 a header section that is too long', message('x', `a: ${'b'.repeat(20_000)}`), /^HTTP\/1.1 431 /],
    ['PC-21 no HTTP', 'hello\r\n\r\n', /^HTTP\/1.1 400 /],
    ['PC-22 a header section that stops', 'POST /mcp/a HTTP/1.1\r\nHost:', /^HTTP\/1.1 408 /],
  ])('is given to node:http for good: %s', async (_id, text, expected) => {
    const first = await open();
    await first.write(text);
    await first.heard(expected);
    const later = await open();
    await later.write(message('before'));
    await later.heard('posted before');
    await later.write(text);
    const behind = new RegExp(expected.source.replace(/^\^/, ''));
    await later.heard(behind);
    if (!/ 4\d\d |1\.0/.test(`${expected.source} ${text}`)) {
      await later.write(message('after'));
      await later.heard('node:http POST after');
    }
    expect(count(later.text(), 'posted')).toBe(1);
  });

  it('PC-23 is given to node:http with all that has come, whatever was read before', async () => {
    const { write, heard } = await open();
    await write(`${message('one')}GET /a HTTP/1.1\r\nHost: a\r\n\r\n${message('two')}`);
    await heard('posted one');
    await heard('node:http GET');
    await heard('node:http POST two');
  });

  it('PC-30 is closed where nothing comes on it', async () => {
    const { socket, text } = await open();
    await once(socket, 'close');
    expect(text()).toBe('');
  });

  it('PC-31 has its message served before the body is there', async () => {
    const { promise: served, resolve } = Promise.withResolvers<PostedRequest>();
    posted = async (request, answer) => {
      resolve(request);
      json(answer, `posted ${(await textOf(request.body)).length}`);
    };
    const { write, heard } = await open();
    await write(message('x'.repeat(1_000_000)).slice(0, 1_000));
    expect(Buffer.isBuffer((await served).body)).toBe(false);
    await write(message('x'.repeat(1_000_000)).slice(1_000) + message('next'));
    await heard('posted 1000000');
    await heard('posted 4');
  });

  it('PC-32 is not read further than there is room for', async () => {
    const { promise: served, resolve } = Promise.withResolvers<readonly [PostedRequest, Answer]>();
    posted = (request, answer) => resolve([request, answer]);
    const { write } = await open();
    void write(message('x'.repeat(50_000_000)));
    const [{ socket: inner }, answer] = await served;
    await eventually(() => inner.isPaused());
    const read = inner.bytesRead;
    await new Promise((done) => setTimeout(done, 100));
    expect(inner.bytesRead).toBe(read);
    expect(read).toBeLessThan(1_000_000);
    answer.destroy();
  });

  it('PC-33 is read ahead of a message under way, but not far', async () => {
    const { promise: served, resolve } = Promise.withResolvers<readonly [PostedRequest, Answer]>();
    posted = (request, answer) => resolve([request, answer]);
    const { write, heard } = await open();
    await write(message('first'));
    const [{ socket: inner }, answer] = await served;
    posted = async (request, later) => json(later, `later ${(await textOf(request.body)).length}`);
    void write(message('y'.repeat(5_000_000)));
    await eventually(() => inner.isPaused());
    expect(inner.bytesRead).toBeLessThan(1_000_000);
    json(answer, 'posted first');
    await heard('later 5000000');
  });

  it('PC-34 carries the next message also where the body of one was not wanted', async () => {
    posted = (_request, answer) => {
      posted = async (next, later) => json(later, `posted ${await textOf(next.body)}`);
      json(answer, 'no, thanks');
    };
    const { write, heard, text } = await open();
    const unwanted = message('z'.repeat(300_000));
    await write(unwanted.slice(0, 500));
    await heard('no, thanks');
    await write(`${unwanted.slice(500)}${message('next')}`);
    await heard('posted next');
    expect(count(text(), 'HTTP/1.1 200')).toBe(2);
  });

  it.each([
    ['PC-35 before its body has come', 'x'.repeat(100), 200],
    ['PC-36 while it is served', 'x', 0],
  ])('tells its message that the client has gone: %s', async (_id, body, missing) => {
    const { promise: served, resolve } = Promise.withResolvers<readonly [PostedRequest, Answer]>();
    posted = (request, answer) => resolve([request, answer]);
    const { write, socket } = await open();
    await write(message(body + 'y'.repeat(missing)).slice(0, missing === 0 ? undefined : -missing));
    const [request, answer] = await served;
    const failed = Buffer.isBuffer(request.body) ? undefined : once(request.body, 'error');
    const closed = once(answer, 'close');
    socket.destroy();
    await Promise.all([failed, closed]);
    expect(answer).toMatchObject({ writableFinished: false, destroyed: true, closed: true });
    answer.writeHead(200, {});
    expect(answer.write(Buffer.from('nobody reads this'))).toBe(false);
    answer.end();
  });

  it('PC-37 outlives an answer that is done with', async () => {
    const answers: Answer[] = [];
    posted = (_request, answer) => {
      answers.push(answer);
      json(answer, `posted ${answers.length}`);
    };
    const { write, heard } = await open();
    await write(message('one'));
    await heard('posted 1');
    await eventually(() => answers[0]!.closed);
    answers[0]!.destroy();
    answers[0]!.setTimeout(1, () => answers[0]!.destroy());
    expect(answers[0]).toMatchObject({ writableFinished: true, writableLength: 0, writableNeedDrain: false });
    await write(message('two'));
    await heard('posted 2');
  });

  it('PC-38 ends with a message that fails', async () => {
    posted = () => Promise.reject(new Error('a bug'));
    const { write, socket, text } = await open();
    await write(message('x'));
    await once(socket, 'close');
    expect(text()).toBe('');
  });

  it.each([
    ['PC-40 a value with a line of its own', { 'x-a': 'b\r\nx-c: d' }],
    ['PC-41 a name with a line of its own', { 'x-a\r\nx-c': 'b' }],
    ['PC-42 a NUL', { 'x-a': '\0' }],
  ])('sends no header field that is none: %s', async (_id, headers) => {
    const { promise: failed, resolve } = Promise.withResolvers<unknown>();
    posted = (_request, answer) => {
      try {
        answer.writeHead(200, headers);
      } catch (error) {
        resolve(error);
        throw error;
      }
    };
    const { write, socket, text } = await open();
    await write(message('x'));
    expect(await failed).toBeInstanceOf(TypeError);
    await once(socket, 'close');
    expect(text()).toBe('');
  });

  it('PC-50 sends a stream in chunks, and another answer behind it', async () => {
    posted = (_request, answer) => {
      answer.writeHead(200, { 'content-type': 'text/event-stream' });
      answer.flushHeaders();
      answer.write(Buffer.from('hello'));
      answer.write(Buffer.alloc(0));
      answer.write(Buffer.alloc(20_000, 'z'));
      answer.end(Buffer.from('bye'));
    };
    const { write, heard, text } = await open();
    await write(message('one') + message('two'));
    await heard(/0\r\n\r\n[^]*0\r\n\r\n$/);
    const [first = ''] = text().split('0\r\n\r\nHTTP/1.1');
    expect(first).toMatch(/transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n4e20\r\nz{20000}\r\n3\r\nbye\r\n$/);
  });

  it('PC-60 ends when the listener closes: at once where it is idle, else behind its answer', async () => {
    const { promise: served, resolve } = Promise.withResolvers<Answer>();
    posted = (_request, answer) => resolve(answer);
    const [idle, busy] = [await open(), await open()];
    await busy.write(message('x'));
    const answer = await served;
    const closed = listener.close();
    await once(idle.socket, 'close');
    json(answer, 'posted x');
    await once(busy.socket, 'close');
    expect(busy.text()).toMatch(/posted x$/);
    await closed;
  });
});
