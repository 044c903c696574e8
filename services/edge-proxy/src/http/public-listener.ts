import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Logger } from '@switchyard/telemetry';
import type { Answer, PostedRequest } from './answer.js';
import { PostConnection } from './post-connection.js';
import type { TlsFiles } from './tls-files.js';

const SETTINGS = { keepAliveTimeout: 0, connectionsCheckingInterval: 1_000, maxHeaderSize: 16 * 1024 };

/**
 * How long a connection may be silent when nothing is under way on it. Watched by the one timer of its socket: what node:http has for
 * this makes a timer for every request.
 */
const IDLE_MS = 66_000;
/** What clients are told of it (RFC 2068 §19.7.1.1): a little less, so that none sends into a connection that closes. */
export const KEEP_ALIVE = 'timeout=65';
/** What is under way may be silent for as long as it likes; others judge it. */
const underWay = (): void => undefined;

/** Who reads bodies refuses slow ones with a reason; this cuts those that nobody reads. */
const BACKSTOP_MS = 5_000;

/** How long slow clients are waited for. */
export interface ListenerLimits {
  readonly headersTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  /** Unless told: 66 s. */
  readonly idleMs?: number;
}

/** How a listener speaks TLS. */
export interface ListenerTls {
  readonly files: TlsFiles;
  /** Whether clients are asked for certificates; who has none is served all the same. */
  readonly asksClients: boolean;
  /** Called for every connection that stands. */
  readonly onOpen: (socket: TLSSocket) => void;
}

/** How long answers that have ended may take to reach their clients when the listener closes. */
const LAST_ANSWERS_MS = 2_000;
const IDLE_CHECK_MS = 20;

/** How often it is looked at how long nothing has come on a connection. */
const LONGEST_ROUND_MS = 1_000;
const ROUNDS = 4;

/** Statuses for what the HTTP parser refuses (RFC 9110 §15.5, RFC 6585 §5). */
const PARSER_STATUS: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Content Too Large',
};

/** What requests are handed to. */
export interface Handlers {
  readonly any: (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;
  /** Messages posted to MCP endpoints, where they need nothing of node:http. */
  readonly posted: (request: PostedRequest, answer: Answer) => Promise<void> | void;
}

type Serve = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * The public HTTP/1.1 listener. Connections are read here as long as nothing but posted messages comes on them (`PostConnection`), and are
 * node:http's as it is from the first other request on.
 */
export class PublicListener {
  readonly #server: Server | TlsServer;
  readonly #sockets = new Set<Socket>();
  readonly #posting = new Set<PostConnection>();
  readonly #rounds: NodeJS.Timeout;
  #open = true;

  constructor(
    { any, posted }: Handlers,
    { headersTimeoutMs, bodyTimeoutMs, idleMs = IDLE_MS }: ListenerLimits,
    log: Logger,
    tls?: ListenerTls,
  ) {
    const requestTimeout = headersTimeoutMs + bodyTimeoutMs + BACKSTOP_MS;
    const settings = { ...SETTINGS, headersTimeout: headersTimeoutMs, requestTimeout };
    const guarded = (answer: Answer, handle: () => Promise<void> | void): void => {
      const failed = (error: unknown) => {
        log.error('a request failed', { error });
        answer.destroy();
      };
      try {
        handle()?.catch(failed);
      } catch (error) {
        failed(error);
      }
    };
    const serve: Serve = (request, response) => {
      response.on('timeout', underWay);
      guarded(response, () => any(request, response));
    };
    this.#server = tls === undefined ? createServer(settings, serve) : this.#secure(tls, settings, serve);
    this.#server.timeout = idleMs;
    const roundMs = Math.min(LONGEST_ROUND_MS, idleMs / ROUNDS, headersTimeoutMs / ROUNDS);
    const handOver = nodeHttpOf(this.#server, tls === undefined ? 'connection' : 'secureConnection');
    const options = {
      serve: (request: PostedRequest, answer: Answer) => guarded(answer, () => posted(request, answer)),
      handOver: (connection: PostConnection, socket: Socket) => {
        this.#posting.delete(connection);
        handOver(socket);
      },
      isOpen: () => this.#open,
      idleRounds: Math.ceil(idleMs / roundMs),
      firstByteRounds: Math.ceil(Math.min(idleMs, headersTimeoutMs) / roundMs),
    };
    this.#server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
      const connection = new PostConnection(socket, options);
      this.#sockets.add(socket);
      this.#posting.add(connection);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        this.#posting.delete(connection);
      });
    });
    this.#rounds = setInterval(() => this.#posting.forEach((connection) => connection.visit()), roundMs).unref();
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
      if (socket.writable)
        socket.end(
          `HTTP/1.1 ${PARSER_STATUS[error.code ?? ''] ?? '400 Bad Request'}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
        );
      else socket.destroy();
    });
  }

  #secure(tls: ListenerTls, settings: typeof SETTINGS & { headersTimeout: number }, serve: Serve): TlsServer {
    const { files, asksClients, onOpen } = tls;
    // A certificate of nobody's is one to bind tokens to: whether an authority has issued it, the connection remembers.
    const asking = asksClients ? { requestCert: true, rejectUnauthorized: false } : {};
    const server = createTlsServer(
      { ...settings, ...files, ...asking, ALPNProtocols: ['http/1.1'], handshakeTimeout: settings.headersTimeout },
      serve,
    );
    server.on('secureConnection', onOpen);
    // What is no handshake concerns nobody but its sender.
    server.on('tlsClientError', (_error, socket) => socket.destroy());
    return server;
  }

  /** Speaks TLS with other files from now on; connections that stand go on with theirs. Nothing where it speaks none. */
  useTls(files: TlsFiles): void {
    if ('setSecureContext' in this.#server) this.#server.setSecureContext(files);
  }

  /** Starts to listen. @returns the port. @throws the listener's error, for example when the port is taken */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Takes no new connections and resolves when the last has ended; idle ones end now. */
  async close(): Promise<void> {
    this.#open = false;
    clearInterval(this.#rounds);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#posting.forEach((connection) => connection.closeIfIdle());
    // Clients open connections ahead of need; node:http does not count those as idle.
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy();
    // A connection is idle only some time after its last answer has ended.
    const idle = setInterval(() => this.#server.closeIdleConnections(), IDLE_CHECK_MS);
    const cut = setTimeout(() => this.#sockets.forEach((socket) => socket.destroy()), LAST_ANSWERS_MS);
    await closed;
    clearInterval(idle);
    clearTimeout(cut);
  }
}

/** Takes from a server its way to serve connections. @returns that way, for connections that it is to serve after all */
function nodeHttpOf(server: Server | TlsServer, event: 'connection' | 'secureConnection'): (socket: Socket) => void {
  const [listener, ...others] = server.listeners(event) as ((socket: Socket) => void)[];
  if (listener === undefined) throw new Error(`node:http does not listen to ${event}`);
  server.removeAllListeners(event);
  for (const other of others) server.on(event, other);
  return (socket) => listener.call(server, socket);
}
