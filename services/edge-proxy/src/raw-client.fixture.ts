import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';

/** One plain HTTP request, so that nothing corrects what is wrong with it. */
export interface RawRequest {
  readonly path: string;
  readonly method?: string;
  readonly key?: string;
  readonly session?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** A JSON-RPC message that was received. */
export interface RawMessage {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: number; readonly message: string; readonly data: Readonly<Record<string, unknown>> };
}

/** An answer, read to its end. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The JSON body, or every message of the stream. */
  readonly messages: readonly RawMessage[];
}

/** An answer of which the header section has come. */
export interface OpenAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** What has come of the body so far. */
  readonly text: () => string;
  /** Resolves when the answer has ended, however. */
  readonly ended: Promise<void>;
  /** Goes away. */
  readonly leave: () => void;
}

/** Sends a request and reads the answer to its end. */
export async function exchange(url: string, request: RawRequest): Promise<RawAnswer> {
  const answer = await open(url, request);
  await answer.ended;
  const text = answer.text();
  return { status: answer.status, headers: answer.headers, text, messages: messagesIn(text) };
}

/** Sends a request and resolves with the header section of the answer. */
export function open(url: string, { path, method = 'POST', key, session, headers = {}, body }: RawRequest): Promise<OpenAnswer> {
  const { hostname, port } = new URL(url);
  const sent = {
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
    ...(key !== undefined && { authorization: `Bearer ${key}` }),
    ...(session !== undefined && { 'mcp-session-id': session }),
    ...headers,
  };
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, path, method, headers: sent, agent: false }, (response) =>
      resolve(reading(response, () => request.destroy())),
    );
    request.on('error', reject);
    request.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  });
}

function reading(response: IncomingMessage, leave: () => void): OpenAnswer {
  const chunks: Buffer[] = [];
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  response.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => response.on('close', resolve));
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: () => Buffer.concat(chunks).toString('utf8'),
    ended,
    leave,
  };
}

/** The messages in a JSON body or an event stream; events without data are none. */
export function messagesIn(text: string): RawMessage[] {
  if (text.startsWith('{')) return [JSON.parse(text) as RawMessage];
  return text
    .split('\n')
    .filter((line) => /^data: ./.test(line))
    .map((line) => JSON.parse(line.slice('data: '.length)) as RawMessage);
}

/** `initialize` of revision 2025-11-25. */
export const INITIALIZE = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
};

/** Opens a legacy session. @returns its id */
export async function openSession(url: string, path: string, key: string): Promise<string> {
  const { headers, text } = await exchange(url, { path, key, body: INITIALIZE });
  const id = headers['mcp-session-id'];
  if (typeof id !== 'string') throw new Error(`initialize was answered with ${text}`);
  return id;
}

/** `tools/call`. */
export const callOf = (name: string, args: object = {}, id: string | number = 1) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args },
});
