import { KmsUnavailable } from './kms.js';

/** One request to a key service, or to whoever gives out its tokens. */
export interface JsonRequest {
  /** What messages call it: `the Transit engine`. */
  readonly peer: string;
  readonly url: string;
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** An answer, whatever its status. */
export interface JsonAnswer {
  readonly status: number;
  /** Empty where the answer is no JSON object. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** How a request is sent. */
export interface Transport {
  readonly fetch: typeof globalThis.fetch;
  /** Longest wait for the whole answer. */
  readonly timeoutMs: number;
}

const answerLimitBytes = 256 * 1024;

function parseObject(text: string): JsonAnswer['body'] {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as JsonAnswer['body']) : {};
  } catch {
    return {};
  }
}

/** @throws KmsUnavailable where there is no answer in time; answers of any status are results */
export async function askJson({ fetch, timeoutMs }: Transport, request: JsonRequest): Promise<JsonAnswer> {
  const { peer, url, method, headers, body } = request;
  try {
    const response = await fetch(url, {
      method,
      headers: { accept: 'application/json', ...headers },
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    if (text.length > answerLimitBytes) throw new Error(`more than ${answerLimitBytes} bytes`);
    return { status: response.status, body: parseObject(text), text };
  } catch (cause) {
    throw new KmsUnavailable(`${peer} did not answer within ${timeoutMs} ms, or cannot be reached`, { cause });
  }
}

/** A text in an answer. @throws KmsUnavailable where there is none: whatever answered is not what was asked */
export function textIn(peer: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new KmsUnavailable(`${peer} gave an answer that is none`);
}

/** A map in an answer; empty where there is none. */
export function mapIn(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
