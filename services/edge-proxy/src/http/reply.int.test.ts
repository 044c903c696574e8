import { Agent, type ClientRequest, type IncomingMessage, request as httpRequest, ServerResponse } from 'node:http';
import { eventually } from '@switchyard/testing';
import type { Answer } from './answer.js';
import { PostAnswer } from './post-answer.js';
import { PublicListener } from './public-listener.js';
import { Reply } from './reply.js';

const SLOW_MS = 300;
const LIMITS = { headersTimeoutMs: 5_000, bodyTimeoutMs: 5_000 };
const log = { debug() {}, info() {}, warn() {}, error() {} };

let listener: PublicListener;
let port: number;
let arrived: (answer: Answer) => void;
const requests: ClientRequest[] = [];
const agent = new Agent({ keepAlive: true });

beforeEach(async () => {
  const hand = (_request: unknown, answer: Answer) => arrived(answer);
  listener = new PublicListener({ any: hand, posted: hand }, LIMITS, log as never);
  port = await listener.listen('127.0.0.1', 0);
});

afterEach(async () => {
  // A client that does not read does not see that it was cut, and its socket would keep the process.
  for (const request of requests.splice(0)) request.destroy();
  await listener.close();
});

afterAll(() => agent.destroy());

/** Both ends of an answer: what the gateway writes to, and what the client reads, when it does. */
async function begin(
  method: string,
  slowReaderTimeoutMs = SLOW_MS,
): Promise<{ response: Answer; reply: Reply; client: Promise<IncomingMessage>; leave: () => void }> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  arrived = resolve;
  const headers = method === 'POST' ? { 'content-length': 2 } : {};
  const request = httpRequest({ port, host: '127.0.0.1', path: '/mcp/a', method, headers, agent });
  requests.push(request);
  const client = new Promise<IncomingMessage>((resolveClient, reject) =>
    request.on('response', resolveClient).on('error', reject),
  );
  client.catch(() => undefined);
  request.end(method === 'POST' ? '{}' : undefined);
  const response = await promise;
  return {
    response,
    reply: new Reply(response, { 'x-request-id': 'r' }, slowReaderTimeoutMs),
    client,
    leave: () => request.destroy(),
  };
}

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

const message = (bytes: number) => Buffer.from(JSON.stringify('x'.repeat(bytes)));

/** Sends much, each message when there is room for it. */
function flood(reply: Reply): void {
  void (async () => {
    for (let sent = 0; sent < 200; sent += 1) await reply.message(message(100_000));
  })();
}

describe.each([
  ['GET', ServerResponse],
  ['POST', PostAnswer],
])('the answer to a %s', (method, kind) => {
  it('RP-0 is made by who reads such requests', async () => {
    const { response, reply } = await begin(method);
    expect(response).toBeInstanceOf(kind);
    reply.json(200, message(1));
  });

  it.each([
    ['RP-1 small', 10],
    ['RP-2 of a size that is written in pieces', 300_000],
  ])('is one JSON body: %s', async (_id, bytes) => {
    const { reply, client } = await begin(method);
    reply.json(200, message(bytes), { 'x-more': '1' });
    const answer = await client;
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'x-request-id': 'r', 'x-more': '1' });
    expect(await textOf(answer)).toBe(message(bytes).toString('utf8'));
  });

  it('RP-3 is a stream as soon as something precedes the response', async () => {
    const { reply, client } = await begin(method);
    await reply.message(Buffer.from('{"a":1}'));
    reply.json(200, Buffer.from('{"b":2}'));
    const answer = await client;
    expect(answer.headers['content-type']).toBe('text/event-stream');
    expect(await textOf(answer)).toBe('event: message\ndata: {"a":1}\n\nevent: message\ndata: {"b":2}\n\n');
  });

  it('RP-4 drops what comes behind its end, which otherwise would end the process', async () => {
    const { reply, client, response } = await begin(method);
    const errors: unknown[] = [];
    response.on('error', (error) => errors.push(error));
    await reply.message(Buffer.from('{"a":1}'));
    reply.json(200, Buffer.from('{"b":2}'));
    await reply.message(Buffer.from('{"c":3}'));
    reply.json(200, Buffer.from('{"d":4}'));
    reply.empty(204);
    reply.end();
    expect(await textOf(await client)).not.toMatch(/"c"|"d"/);
    expect(errors).toEqual([]);
  });

  it('RP-5 drops what comes when the client has gone', async () => {
    const { reply, response, leave } = await begin(method);
    reply.openStream();
    const closed = new Promise((resolve) => response.once('close', resolve));
    leave();
    await closed;
    await reply.message(message(1_000_000));
    reply.json(200, message(10));
  });

  it('RP-6 makes who writes wait for who reads', async () => {
    const { reply, client, response } = await begin(method, 30_000);
    let written = 0;
    const writing = (async () => {
      for (; written < 100; written += 1) await reply.message(message(100_000));
      reply.json(200, Buffer.from('"end"'));
    })();
    const answer = await client;
    expect(written).toBeLessThan(100);
    const text = await textOf(answer);
    await writing;
    expect(text.match(/event: message/g)).toHaveLength(101);
    expect(response.listenerCount('close')).toBeLessThan(5);
  });

  it.each([
    ['RP-7 within its stream', flood],
    ['RP-8 at its end', (reply: Reply) => reply.json(200, message(20_000_000))],
  ])('is cut where the client does not read, %s', async (_id, write) => {
    const { reply, client, response } = await begin(method);
    write(reply);
    await client;
    await eventually(() => response.destroyed);
  });

  it('RP-9 is cut where more waits for the client than is kept for anybody', async () => {
    const { reply, client, response } = await begin(method);
    reply.openStream();
    await client;
    for (let sent = 0; sent < 200 && !response.destroyed; sent += 1) void reply.message(message(100_000));
    expect(response.destroyed).toBe(true);
  });
});
