import { createServer, request as httpRequest, type ClientRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Refusal } from '../refusal.js';
import { readBody } from './read-body.js';

const limits = { bodyLimitBytes: 100, bodyTimeoutMs: 200 };

let server: Server;
let received: (request: IncomingMessage) => void;

beforeEach(async () => {
  server = createServer((request) => received(request));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** Sends the beginning of a request; hands back both of its ends. */
function begin(first: string): Promise<{ sent: ClientRequest; request: IncomingMessage }> {
  return new Promise((resolve) => {
    const sent = httpRequest({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', method: 'POST', agent: false });
    sent.on('error', () => undefined);
    received = (request) => resolve({ sent, request });
    sent.flushHeaders();
    if (first !== '') sent.write(first);
  });
}

const outcome = (body: Buffer | Refusal) => (body instanceof Refusal ? body.reason : body.toString('utf8'));

describe('the body of a request', () => {
  it.each([
    ['RB-1 in one piece', ['{"a":1}'], '{"a":1}'],
    ['RB-2 in pieces', ['{"a"', ':1}'], '{"a":1}'],
    ['RB-3 empty', [''], ''],
    ['RB-4 as large as may be', ['x'.repeat(100)], 'x'.repeat(100)],
    ['RB-5 larger', ['x'.repeat(60), 'x'.repeat(60)], 'body_too_large'],
  ])('%s', async (_id, pieces, expected) => {
    const { sent, request } = await begin(pieces[0] ?? '');
    const body = readBody(request, undefined, limits);
    for (const piece of pieces.slice(1)) sent.write(piece);
    sent.end();
    expect(outcome(await body)).toBe(expected);
  });

  it('RB-6 that does not end is given up', async () => {
    const { request } = await begin('{');
    expect(outcome(await readBody(request, undefined, limits))).toBe('body_timeout');
  });

  it('RB-7 of a client that leaves meanwhile', async () => {
    const { sent, request } = await begin('{');
    const body = readBody(request, undefined, limits);
    sent.destroy();
    expect(outcome(await body)).toBe('cancelled');
  });

  it('RB-8 of a client that left before anybody read', async () => {
    const { sent, request } = await begin('{');
    const closed = new Promise((resolve) => request.once('close', resolve));
    sent.destroy();
    await closed;
    expect(outcome(await readBody(request, undefined, limits))).toBe('cancelled');
  });
});
