import { DpopOrigins } from '@switchyard/oauth';
import { OAuthProblem, unreachableProblem } from './oauth-problem.js';

/** How the metadata, registration and token endpoints of upstreams are reached. */
export interface OAuthHttpOptions {
  /** Guards addresses and follows no redirects. */
  readonly fetch: typeof globalThis.fetch;
  /** Whether plain http to this machine may be used: where the gateway itself is on it. */
  readonly loopback: () => boolean;
  /** Longest that one request may take, 8 s unless told. */
  readonly timeoutMs?: number;
  /** Largest answer, 256 KiB unless told. */
  readonly limitBytes?: number;
  /** The system's unless told. */
  readonly clock?: { now(): number };
}

/** What a JSON document's address answered. */
export interface JsonAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined where it is not JSON. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
}

const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const NO_BODY = new Set([101, 103, 204, 205, 304]);

/** The answer was longer than anything that is read. */
class AnswerTooLong extends Error {
  override readonly name = 'AnswerTooLong';
}

/** HTTP towards strangers: https only, answers short and soon, their bodies read in full before anybody looks at them. */
export class OAuthHttp {
  readonly #o: OAuthHttpOptions;
  /** Which nonces servers want to see in proofs of possession. */
  readonly origins = new DpopOrigins();

  constructor(options: OAuthHttpOptions) {
    this.#o = options;
  }

  /** A URL that may be asked, or that a browser may be sent to; undefined where it may not. */
  usable(text: unknown): URL | undefined {
    const url = typeof text === 'string' ? URL.parse(text) : null;
    if (url === null || url.username !== '' || url.password !== '' || url.hash !== '') return undefined;
    if (url.protocol === 'https:') return url;
    return url.protocol === 'http:' && LOOPBACK_HOST.test(url.hostname) && this.#o.loopback() ? url : undefined;
  }

  /** Milliseconds since 1970. */
  now(): number {
    return (this.#o.clock ?? Date).now();
  }

  /** `fetch` for libraries: as guarded as everything here. @throws Error where there is no answer */
  readonly fetch = async (input: string | URL, init: RequestInit = {}): Promise<Response> => {
    const url = this.usable(String(input));
    if (url === undefined) throw new TypeError('only https is asked');
    const signal = AbortSignal.timeout(this.#o.timeoutMs ?? 8_000);
    const response = await this.#o.fetch(url, { ...init, signal, redirect: 'error' });
    const body = await readLimited(response, this.#o.limitBytes ?? 262_144);
    const { status, headers } = response;
    return new Response(NO_BODY.has(status) ? null : body, { status, headers: [...headers] as [string, string][] });
  };

  /** Asks for a document. A problem only where there is no answer at all. */
  async json(url: URL): Promise<JsonAnswer | OAuthProblem> {
    const response = await this.answerOf(url, { headers: { accept: 'application/json' } });
    if (response instanceof OAuthProblem) return response;
    return { status: response.status, headers: response.headers, body: asRecord(await response.text()) };
  }

  /** The answer to a request; a problem where there is none. */
  async answerOf(url: URL, init: RequestInit): Promise<Response | OAuthProblem> {
    try {
      return await this.fetch(url, init);
    } catch {
      // Whatever went wrong on the way (TLS, a name, a blocked address, a redirect, time): none of it changes what can be said.
      return unreachableProblem(url.host);
    }
  }
}

async function readLimited(response: Response, limitBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += part.length;
    if (bytes > limitBytes) throw new AnswerTooLong('the answer is too long');
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}

function asRecord(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
