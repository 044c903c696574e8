import { connect, type Socket } from 'node:net';
import { ConnectTimeout, type Lookup } from './connect.js';

/** How a stream is opened. */
export interface StreamOptions {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
  readonly lookup: Lookup;
  readonly signal: AbortSignal;
}

/**
 * Opens a TCP connection for a protocol that is not HTTP. Its two directions end each by itself.
 * @throws ConnectTimeout; what `lookup` says; the system's error; the reason of the signal
 */
export function connectStream({ timeoutMs, signal, ...target }: StreamOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...target, noDelay: true, allowHalfOpen: true });
    const timer = setTimeout(() => socket.destroy(new ConnectTimeout(`no connection within ${timeoutMs} ms`)), timeoutMs);
    const abort = () => socket.destroy(new Error('the connection is not wanted any more', { cause: signal.reason }));
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      socket.off('error', failed);
    };
    const failed = (error: Error) => {
      settle();
      reject(error);
    };
    socket.once('error', failed);
    socket.once('connect', () => {
      settle();
      resolve(socket);
    });
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  });
}
