import type { LookupAddress, LookupOptions } from 'node:dns';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Where to connect to. */
export interface ConnectTarget {
  readonly secure: boolean;
  /** Name or address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** What is shown in the TLS handshake; absent: nothing. */
  readonly certificate?: ClientCertificate | undefined;
}

/** Who the gateway is in a TLS handshake (RFC 8446 section 4.4.2). Both PEM. */
export interface ClientCertificate {
  readonly tlsCertificate: string;
  readonly tlsKey: string;
}

/** Resolves a name, as `dns.lookup` with `all` does. */
export type Lookup = (
  name: string,
  options: LookupOptions,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** No connection came about in time. */
export class ConnectTimeout extends Error {
  override readonly name = 'ConnectTimeout';
  readonly code = 'ETIMEDOUT';
}

/** What a connection reads into: one piece of memory instead of a new one for every read. */
const READ_BYTES = 64 * 1024;
const KEEP_ALIVE_PROBE_MS = 60_000;

/**
 * Connects, and speaks TLS where it is asked for (HTTP/1.1 alone is offered, RFC 7301).
 * @param onData takes what is read; the bytes are its own
 * @param done called once, with the socket or with why there is none
 */
export function connectSocket(
  { secure, host, port, certificate }: ConnectTarget,
  { timeoutMs, lookup }: { readonly timeoutMs: number; readonly lookup: Lookup },
  onData: (chunk: Buffer) => void,
  done: (error: Error | null, socket: Socket | null) => void,
): void {
  const options = { host, port, lookup, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_PROBE_MS };
  const socket = secure
    ? connectTls({
        ...options,
        ...(isIP(host) === 0 && { servername: host }),
        ...(certificate && { cert: certificate.tlsCertificate, key: certificate.tlsKey }),
        ALPNProtocols: ['http/1.1'],
      }).on('data', onData)
    : connectTcp({ ...options, onread: intoOneBuffer(onData) });
  const timer = setTimeout(() => socket.destroy(new ConnectTimeout(`no connection within ${timeoutMs} ms`)), timeoutMs);
  const failed = (error: Error) => {
    clearTimeout(timer);
    done(error, null);
  };
  socket.once('error', failed);
  socket.once(secure ? 'secureConnect' : 'connect', () => {
    clearTimeout(timer);
    socket.off('error', failed);
    done(null, socket);
  });
}

function intoOneBuffer(onData: (chunk: Buffer) => void) {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  return {
    buffer,
    callback: (size: number) => {
      onData(Buffer.from(buffer.subarray(0, size)));
      return true;
    },
  };
}
