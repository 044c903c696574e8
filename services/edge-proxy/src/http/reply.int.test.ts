import { type ClientRequest, createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '@switchyard/testing';
import { Reply } from './reply.js';

const SLOW_MS = 300;

let server: Server;
let arrived: (response: ServerResponse) => void;
const requests: ClientRequest[] = [];

beforeEach(async () => {
  server = createServer((_request, response) => arrived(response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  // A client that does not read does not see that it was cut, and its socket would keep the process.
  for (const request of requests.splice(0)) request.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** Both ends of an answer: what the gateway writes to, and what the client reads, when it does. */
async function begin(
  slowReaderTimeoutMs = SLOW_MS,
): Promise<{ response: ServerResponse; reply: Reply; client: Promise<IncomingMessage>; leave: () => void }> {
  const port = (server.address() as AddressInfo).port;
  const { promise, resolve } = Promise.withResolvers<ServerResponse>();
  arrived = resolve;
  const request = get({ port, host: '127.0.0.1', agent: false });
  requests.push(request);
  const client = new Promise<IncomingMessage>((resolveClient, reject) =>
    request.on('response', resolveClient).on('error', reject),
  );
  client.catch(() => undefined);
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

describe('the answer to a request', () => {
  it.each([
    ['RP-1 small', 10],
    ['RP-2 of a size that is written in pieces', 300_000],
  ])('is one JSON body: %s', async (_id, bytes) => {
    const { reply, client } = await begin();
    reply.json(200, message(bytes), { 'x-more': '1' });
    const answer = await client;
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'x-request-id': 'r', 'x-more': '1' });
    expect(await textOf(answer)).toBe(message(bytes).toString('utf8'));
  });

  it('RP-3 is a stream as soon as something precedes the response', async () => {
    const { reply, client } = await begin();
    await reply.message(Buffer.from('{"a":1}'));
    reply.json(200, Buffer.from('{"b":2}'));
    const answer = await client;
    expect(answer.headers['content-type']).toBe('text/event-stream');
    expect(await textOf(answer)).toBe('event: message\ndata: {"a":1}\n\nevent: message\ndata: {"b":2}\n\n');
  });

  it('RP-4 drops what comes behind its end, which otherwise would end the process', async () => {
    const { reply, client, response } = await begin();
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
    const { reply, response, leave } = await begin();
    reply.openStream();
    const closed = new Promise((resolve) => response.once('close', resolve));
    leave();
    await closed;
    await reply.message(message(1_000_000));
    reply.json(200, message(10));
  });

  it('RP-6 makes who writes wait for who reads', async () => {
    const { reply, client, response } = await begin(30_000);
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
    const { reply, client, response } = await begin();
    write(reply);
    await client;
    await eventually(() => response.destroyed);
  });

  it('RP-9 is cut where more waits for the client than is kept for anybody', async () => {
    const { reply, client, response } = await begin();
    reply.openStream();
    await client;
    for (let sent = 0; sent < 200 && !response.destroyed; sent += 1) void reply.message(message(100_000));
    expect(response.destroyed).toBe(true);
  });
});
