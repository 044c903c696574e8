import { createHash } from 'node:crypto';
import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { isIP, type Socket } from 'node:net';
import { Agent, buildConnector, Pool, type Dispatcher, fetch as undiciFetch, ProxyAgent } from 'undici';
import { AddressGuard } from './address-guard.js';
import { type ClientCertificate, connectSocket } from './connect.js';
import { connectStream } from './connect-stream.js';
import type { EgressSink } from './connection.js';
import { ConnectionPool } from './connection-pool.js';
import type { FieldLines } from './field-lines.js';

/** The connection was refused before it was made: the address is special-purpose and not allowed. */
export class EgressBlocked extends Error {
  override readonly name = 'EgressBlocked';
}

/** One outbound request. */
export interface EgressRequest {
  readonly url: URL;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly fields: FieldLines;
  readonly body?: Buffer | undefined;
  /** Shown where TLS is spoken. What was connected with one certificate carries nothing with another, or with none. */
  readonly certificate?: ClientCertificate | undefined;
  /** Longest wait for the response's header section; 0 waits for ever. */
  readonly headersTimeoutMs: number;
  /** Longest silence within the response's body; 0 waits for ever. */
  readonly bodyTimeoutMs: number;
}

/** How connections are made. */
export interface EgressOptions {
  readonly allowed: readonly string[];
  readonly connectTimeoutMs: number;
  readonly ca?: string | undefined;
  readonly proxy?: URL | undefined;
}

/** Connections to one server at a time. */
const CONNECTIONS_LIMIT = 256;

interface Target {
  readonly pool: ConnectionPool;
  /** What follows the method in the header section: the path, and the Host field. */
  readonly start: string;
}

type LookupCallback = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;

/**
 * Outbound HTTP/1.1 with keep-alive. Every connection is checked before it is made: literal addresses as they stand, names by
 * every address that they resolve to, so that a rebinding name has nothing to rebind. Redirects are never followed.
 */
export class Egress {
  readonly #guard: AddressGuard;
  readonly #connectTimeoutMs: number;
  readonly #pools = new Map<string, ConnectionPool>();
  /** By origin and digest of the certificate. */
  readonly #certifiedPools = new Map<string, ConnectionPool>();
  readonly #digests = new WeakMap<ClientCertificate, string>();
  /** For `fetch` alone. */
  readonly #agent: Dispatcher;
  /** URL objects compute their parts anew at every reading; callers keep one URL per upstream. */
  readonly #targets = new WeakMap<URL, Target>();

  /**
   * @param options.allowed CIDR ranges that may be reached although they are special-purpose
   * @param options.connectTimeoutMs longest wait for a connection
   * @param options.ca certificates that `fetch` trusts instead of the usual ones, PEM
   * @param options.proxy HTTP proxy that `fetch` goes through (RFC 9110 section 9.3.6); the guard then is about the proxy
   */
  constructor(options: EgressOptions) {
    this.#guard = new AddressGuard(options.allowed);
    this.#connectTimeoutMs = options.connectTimeoutMs;
    this.#agent = this.#agentFor(options);
  }

  #agentFor({ connectTimeoutMs, ca, proxy }: EgressOptions): Dispatcher {
    const tls = ca === undefined ? {} : { ca };
    const connect = buildConnector({ timeout: connectTimeoutMs, allowH2: false, lookup: this.#lookup, ...tls });
    const guarded: buildConnector.connector = (target, done) => {
      const blocked = this.#blocked(bare(target.hostname));
      if (blocked) done(blocked, null);
      else connect(target, done);
    };
    if (proxy === undefined) return new Agent({ connect: guarded });
    const clientFactory = (origin: URL) => new Pool(origin, { connect: guarded });
    return new ProxyAgent({ uri: proxy.href, proxyTunnel: true, requestTls: tls, clientFactory });
  }

  /** Replaces the ranges that may be reached although they are special-purpose. */
  setAllowed(allowed: readonly string[]): void {
    this.#guard.setAllowed(allowed);
  }

  /** Sends a request; everything that becomes of it is told to the sink. @returns false where it waits for a connection */
  send(request: EgressRequest, sink: EgressSink): boolean {
    const { pool, start } =
      request.certificate === undefined ? this.#target(request.url) : this.#certified(request.url, request.certificate);
    const { body, headersTimeoutMs, bodyTimeoutMs } = request;
    return pool.send({ head: headOf(request, start), body, headersTimeoutMs, bodyTimeoutMs, sink });
  }

  /** `fetch` through the same guard, for libraries that take one. Redirects are errors. */
  readonly fetch: typeof globalThis.fetch = (input, init) =>
    undiciFetch(input as Parameters<typeof undiciFetch>[0], {
      ...(init as Parameters<typeof undiciFetch>[1]),
      redirect: 'error',
      dispatcher: this.#agent,
    }) as unknown as ReturnType<typeof globalThis.fetch>;

  /**
   * Opens a TCP connection through the same guard, for protocols that are not HTTP. It is the caller's to close.
   * @param host name or address, IPv6 without brackets
   * @throws EgressBlocked; where there is no connection in time
   */
  async connect(host: string, port: number, signal: AbortSignal): Promise<Socket> {
    const blocked = this.#blocked(host);
    if (blocked) throw blocked;
    return connectStream({ host, port, timeoutMs: this.#connectTimeoutMs, lookup: this.#lookup, signal });
  }

  /** Closes idle connections and cuts the others. Idempotent. */
  async close(): Promise<void> {
    for (const pool of [...this.#pools.values(), ...this.#certifiedPools.values()]) pool.close();
    await this.#agent.destroy();
  }

  #target(url: URL): Target {
    const known = this.#targets.get(url);
    if (known !== undefined) return known;
    const pool = this.#pools.get(url.origin) ?? this.#poolOf(url);
    this.#pools.set(url.origin, pool);
    const target = { pool, start: ` ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\n` };
    this.#targets.set(url, target);
    return target;
  }

  #certified(url: URL, certificate: ClientCertificate): Target {
    const { start } = this.#target(url);
    const key = `${url.origin} ${this.#digest(certificate)}`;
    const known = this.#certifiedPools.get(key);
    if (known !== undefined) return { pool: known, start };
    // Certificates are replaced: what nothing is connected with any more need not be kept.
    for (const [other, pool] of this.#certifiedPools) if (pool.isEmpty) this.#certifiedPools.delete(other);
    const pool = this.#poolOf(url, certificate);
    this.#certifiedPools.set(key, pool);
    return { pool, start };
  }

  #digest(certificate: ClientCertificate): string {
    const known = this.#digests.get(certificate);
    if (known !== undefined) return known;
    const { tlsCertificate, tlsKey } = certificate;
    const digest = createHash('sha256')
      .update(JSON.stringify([tlsCertificate, tlsKey]))
      .digest('base64url');
    this.#digests.set(certificate, digest);
    return digest;
  }

  #poolOf({ protocol, hostname, port }: URL, certificate?: ClientCertificate): ConnectionPool {
    const secure = protocol === 'https:';
    const target = { secure, host: bare(hostname), port: port === '' ? (secure ? 443 : 80) : Number(port), certificate };
    const options = { timeoutMs: this.#connectTimeoutMs, lookup: this.#lookup };
    return new ConnectionPool((onData, done) => {
      const blocked = this.#blocked(target.host);
      if (blocked) done(blocked, null);
      else connectSocket(target, options, onData, done);
    }, CONNECTIONS_LIMIT);
  }

  /** Names are checked when they are resolved. */
  #blocked(host: string): EgressBlocked | undefined {
    return isIP(host) === 0 || this.#guard.permits(host) ? undefined : new EgressBlocked(`address ${host} may not be reached`);
  }

  readonly #lookup = (name: string, options: LookupOptions, done: LookupCallback): void => {
    dnsLookup(name, { ...options, all: true }, (error, addresses) => {
      const blocked = addresses?.find(({ address }) => !this.#guard.permits(address));
      if (error) done(error, []);
      else if (blocked) done(new EgressBlocked(`${name} resolves to ${blocked.address}, which may not be reached`), []);
      else done(null, addresses);
    });
  };
}

/** Without the brackets that URLs put around IPv6 addresses. */
const bare = (hostname: string) => hostname.replace(/^\[|\]$/g, '');

/** The request line and the header section. */
function headOf({ method, fields, body }: EgressRequest, start: string): string {
  return method === 'POST'
    ? `POST${start}${fields}content-length: ${body?.length ?? 0}\r\n\r\n`
    : `${method}${start}${fields}\r\n`;
}
