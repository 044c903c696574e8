import { z } from 'zod';
import { CliError } from '../terminal/cli-error.js';
import { notAnswering, type GatewayAccess } from './find-gateway.js';
import { parseJsonText } from './json-text.js';

/** RFC 9457, as far as it is shown. */
const problem = z.object({ detail: z.string() });

/** One request to the gateway's API. */
export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path with its query, for example `/api/v1/keys`. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Asks the gateway's API.
 * @param schema what the answer must look like
 * @throws CliError with the gateway's own sentence where it refuses
 */
export async function askApi<T>(gateway: GatewayAccess, request: ApiRequest, schema: z.ZodType<T>): Promise<T> {
  const response = await send(gateway, request);
  const answer = response.status === 204 ? undefined : parseJsonText(await response.text());
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new CliError(`What answers at ${gateway.url} is not a Switchyard gateway of this version. Check --url.`);
}

/**
 * Reads a long answer of the gateway's API as it comes.
 * @throws CliError with the gateway's own sentence where it refuses
 */
export async function readApi(gateway: GatewayAccess, request: ApiRequest): Promise<AsyncIterable<Uint8Array>> {
  const { body } = await send(gateway, request);
  if (body === null)
    throw new CliError(`What answers at ${gateway.url} is not a Switchyard gateway of this version. Check --url.`);
  return body;
}

async function send(gateway: GatewayAccess, request: ApiRequest): Promise<Response> {
  const response = await callApi(gateway, request);
  if (response === undefined) throw notAnswering(gateway.url);
  if (response.ok) return response;
  throw new CliError(await refusalOf(response, gateway.url));
}

/** Sends one request, whatever the answer is; undefined where there is none. */
export async function callApi({ url, key }: GatewayAccess, request: ApiRequest): Promise<Response | undefined> {
  const { method = 'GET', path, body } = request;
  const ofBody = body === undefined ? {} : { 'content-type': 'application/json' };
  const headers = { ...request.headers, authorization: `Bearer ${key}`, ...ofBody };
  const init: RequestInit = { method, headers, redirect: 'error', ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  return fetch(new URL(path, url), init).catch((cause: unknown) => {
    // fetch rejects with a TypeError where there was no answer (Fetch, "HTTP-network fetch").
    if (cause instanceof TypeError) return undefined;
    throw cause;
  });
}

/** What the gateway says about a request that it refuses. */
export async function refusalOf(response: Response, url: string): Promise<string> {
  const document = problem.safeParse(parseJsonText(await response.text()));
  return document.success ? document.data.detail : `${url} answered ${response.status} ${response.statusText}. Check --url.`;
}
