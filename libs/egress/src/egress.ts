import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { isIP } from 'node:net';
import { Agent, buildConnector, type Dispatcher, fetch as undiciFetch } from 'undici';
import { AddressGuard } from './address-guard.js';

/** The connection was refused before it was made: the address is special-purpose and not allowed. */
export class EgressBlocked extends Error {
  override readonly name = 'EgressBlocked';
}

/** One outbound request. */
export interface EgressRequest {
  readonly url: URL;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly headers: Record<string, string>;
  readonly body?: Buffer;
  /** Longest wait for the response's header section; 0 waits for ever. */
  readonly headersTimeoutMs: number;
  /** Longest silence within the response's body; 0 waits for ever. */
  readonly bodyTimeoutMs: number;
}

/** Control over a response that is arriving. */
export type EgressControl = Dispatcher.DispatchController;

/** Receives a response as it arrives. Exactly one of `end` and `fail` is called, last. */
export interface EgressSink {
  start(control: EgressControl): void;
  head(status: number, headers: Record<string, string | string[] | undefined>, control: EgressControl): void;
  data(chunk: Buffer, control: EgressControl): void;
  end(): void;
  fail(error: Error): void;
}

type LookupCallback = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;

/**
 * Outbound HTTP/1.1 with keep-alive. Every connection is checked before it is made: literal addresses as they stand, names by
 * every address that they resolve to, so that a rebinding name has nothing to rebind. Redirects are never followed.
 */
export class Egress {
  readonly #guard: AddressGuard;
  readonly #agent: Agent;
  /** URL objects compute their parts anew at every reading; callers keep one URL per upstream. */
  readonly #targets = new WeakMap<URL, { readonly origin: string; readonly path: string }>();

  /**
   * @param options.allowed CIDR ranges that may be reached although they are special-purpose
   * @param options.connectTimeoutMs longest wait for a connection
   */
  constructor(options: { readonly allowed: readonly string[]; readonly connectTimeoutMs: number }) {
    this.#guard = new AddressGuard(options.allowed);
    const connect = buildConnector({
      timeout: options.connectTimeoutMs,
      lookup: (name: string, lookupOptions: LookupOptions, done: LookupCallback) => this.#lookup(name, lookupOptions, done),
    });
    this.#agent = new Agent({
      connect: (target, done) => {
        const host = target.hostname.replace(/^\[|\]$/g, '');
        if (isIP(host) !== 0 && !this.#guard.permits(host)) done(new EgressBlocked(`address ${host} may not be reached`), null);
        else connect(target, done);
      },
      connections: 256,
      keepAliveTimeout: 30_000,
      keepAliveMaxTimeout: 600_000,
    });
  }

  /** Replaces the ranges that may be reached although they are special-purpose. */
  setAllowed(allowed: readonly string[]): void {
    this.#guard.setAllowed(allowed);
  }

  /** Sends a request; everything that becomes of it is told to the sink. Never throws. */
  send(request: EgressRequest, sink: EgressSink): void {
    this.#agent.dispatch(
      {
        ...this.#target(request.url),
        method: request.method,
        headers: request.headers,
        body: request.body ?? null,
        headersTimeout: request.headersTimeoutMs,
        bodyTimeout: request.bodyTimeoutMs,
      },
      {
        onRequestStart: (control) => sink.start(control),
        onResponseStart: (control, status, headers) => {
          if (status >= 200) sink.head(status, headers, control);
        },
        onResponseData: (control, chunk) => sink.data(chunk, control),
        onResponseEnd: () => sink.end(),
        onResponseError: (_control, error) => sink.fail(error),
      },
    );
  }

  /** `fetch` through the same guard, for libraries that take one. Redirects are errors. */
  readonly fetch: typeof globalThis.fetch = (input, init) =>
    undiciFetch(input as Parameters<typeof undiciFetch>[0], {
      ...(init as Parameters<typeof undiciFetch>[1]),
      redirect: 'error',
      dispatcher: this.#agent,
    }) as unknown as ReturnType<typeof globalThis.fetch>;

  /** Closes idle connections and cuts the others. Idempotent. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  #target(url: URL): { readonly origin: string; readonly path: string } {
    const known = this.#targets.get(url);
    if (known !== undefined) return known;
    const target = { origin: url.origin, path: url.pathname + url.search };
    this.#targets.set(url, target);
    return target;
  }

  #lookup(name: string, options: LookupOptions, done: LookupCallback): void {
    dnsLookup(name, { ...options, all: true }, (error, addresses) => {
      const blocked = addresses?.find(({ address }) => !this.#guard.permits(address));
      if (error) done(error, []);
      else if (blocked) done(new EgressBlocked(`${name} resolves to ${blocked.address}, which may not be reached`), []);
      else done(null, addresses);
    });
  }
}
