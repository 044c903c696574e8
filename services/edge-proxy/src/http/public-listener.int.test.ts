import { once } from 'node:events';
import { connect } from 'node:net';
import { PublicListener } from './public-listener.js';

const LIMITS = { headersTimeoutMs: 5_000, bodyTimeoutMs: 5_000, idleMs: 200 };
const log = { debug() {}, info() {}, warn() {}, error() {} };
const REQUEST = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';

/** Sends requests one after the other over one connection. @returns how many were answered when it closed, and how long it stood */
async function answeredBeforeClose(port: number, requests: number): Promise<{ answered: number; stoodMs: number }> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const startedAt = performance.now();
  let answered = 0;
  socket.on('data', (chunk: Buffer) => {
    answered += chunk.toString().split('HTTP/1.1 200').length - 1;
    if (answered < requests) socket.write(REQUEST);
  });
  if (requests > 0) socket.write(REQUEST);
  await once(socket, 'close');
  return { answered, stoodMs: performance.now() - startedAt };
}

describe('the public listener', () => {
  it.each([
    ['nothing was ever sent', 0, 0],
    ['a request was answered', 1, 0],
    ['several were', 3, 0],
    ['one was answered after a silence longer than an idle connection is kept', 1, 700],
  ])('closes a connection that is idle: %s', async (_id, requests, answersAfterMs) => {
    const listener = new PublicListener(
      { any: (_request, response) => void setTimeout(() => response.end('x'), answersAfterMs), posted: () => undefined },
      LIMITS,
      log as never,
    );
    const port = await listener.listen('127.0.0.1', 0);
    const { answered, stoodMs } = await answeredBeforeClose(port, requests);
    await listener.close();
    expect(answered).toBe(requests);
    expect(stoodMs).toBeGreaterThan(answersAfterMs + LIMITS.idleMs - 50);
  });
});
