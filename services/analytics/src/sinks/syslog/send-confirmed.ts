import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

/** The connection ended before it was known that everything was read. */
export class NotConfirmed extends Error {
  override readonly name = 'NotConfirmed';
}

/** How a connection is spoken over. */
export interface SendOptions {
  /** Absent: in clear text. */
  readonly tls?: ConnectionOptions | undefined;
  /** Whether it has to be waited for that the other side closes too. */
  readonly confirm: boolean;
  readonly signal: AbortSignal;
}

/**
 * Sends bytes, ends the connection, and waits until the other side has ended it too. Syslog knows no acknowledgement; but who has read
 * to the end of what was sent answers it with an end of its own (RFC 5425 section 4.4), and who closes with bytes unread resets the
 * connection instead (RFC 9293 section 3.6.1).
 * @param socket connected, with ends of its own for both directions; destroyed when this returns
 * @throws NotConfirmed; errors of TLS and of the system; whatever is thrown, nobody knows how much was read
 */
export function sendConfirmed(socket: Socket, bytes: Uint8Array, { tls, confirm, signal }: SendOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = tls === undefined ? socket : connectTls({ ...tls, socket: detached(socket) });
    const passed = { sent: false, ended: false, read: stream === socket };
    const settle = (error?: Error) => {
      signal.removeEventListener('abort', aborted);
      stream.destroy();
      socket.destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    const aborted = () => settle(new NotConfirmed('it was not confirmed in time', { cause: signal.reason }));
    const pass = (what: keyof typeof passed) => {
      passed[what] = true;
      // Who ends by itself may not have read what is on its way.
      if (!passed.sent && passed.ended) settle(new NotConfirmed('the other side ended the connection'));
      else if (passed.sent && (!confirm || (passed.ended && passed.read))) settle();
    };
    stream.on('error', settle);
    socket.on('error', settle);
    socket.on('finish', () => pass('sent'));
    socket.on('end', () => pass('ended'));
    socket.on('close', () => settle(new NotConfirmed('the connection was closed')));
    // What the other side says last may be that it refuses the certificate that it was shown.
    if (stream !== socket) stream.on('close', () => pass('read'));
    signal.addEventListener('abort', aborted, { once: true });
    if (signal.aborted) return aborted();
    stream.resume();
    // An end that had come before the last byte was written is read before ours is told.
    stream.write(bytes, () => setImmediate(() => setImmediate(() => stream.end())));
  });
}

/** The connection as TLS is to see it: when TLS has ended, it goes on being read, until its own end or its reset. */
function detached(socket: Socket): Duplex {
  const duplex = new Duplex({
    read: () => void socket.resume(),
    write: (chunk: Uint8Array, _encoding, done) => void socket.write(chunk, done),
    final: (done) => void socket.end(done),
    destroy: (error, done) => {
      socket.resume();
      done(error);
    },
  });
  socket.on('data', (chunk) => {
    if (!duplex.destroyed && !duplex.push(chunk)) socket.pause();
  });
  socket.on('end', () => duplex.push(null));
  return duplex;
}
