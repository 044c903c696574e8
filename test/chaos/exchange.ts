import { Agent, request as httpRequest } from 'node:http';

/** What came back of one HTTP request; no status: no whole answer came. */
export type Came =
  | { readonly status: number; readonly session: string | undefined; readonly messages: readonly RpcMessage[] }
  | { readonly status: undefined; readonly why: string };

/** A JSON-RPC message, as far as clients look at it. */
export interface RpcMessage {
  readonly result?: { readonly isError?: boolean; readonly content?: readonly { readonly text?: string }[] };
  readonly error?: { readonly code: number; readonly data?: { readonly reason?: string } };
}

/** Where something is posted. */
export interface Destination {
  readonly port: number;
  /** The Host that the gateway is known under. */
  readonly host: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Longest that clients wait for an answer. */
const ANSWER_MS = 15_000;

const agent = new Agent({ keepAlive: true, maxSockets: Infinity });

/** Lets go of idle connections. */
export const closeConnections = (): void => agent.destroy();

/** Posts a message, once, whatever happens. */
export function post({ port, host, path, headers }: Destination, message: object): Promise<Came> {
  return new Promise((resolve) => {
    const request = httpRequest({
      ...{ host: '127.0.0.1', port, path, method: 'POST', agent },
      headers: { host, 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
    });
    const fail = (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      resolve({ status: undefined, why: error.code ?? error.message });
    };
    const timer = setTimeout(() => request.destroy(new Error('no answer in time')), ANSWER_MS);
    request.on('error', fail);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', fail);
      response.on('close', () => {
        clearTimeout(timer);
        if (!response.complete) return resolve({ status: undefined, why: 'the answer broke off' });
        const { statusCode: status = 0, headers: came } = response;
        const isStream = came['content-type']?.startsWith('text/event-stream') === true;
        const messages = messagesIn(Buffer.concat(chunks).toString('utf8'), isStream);
        const session = came['mcp-session-id'];
        resolve({ status, session: typeof session === 'string' ? session : undefined, messages });
      });
    });
    request.end(JSON.stringify({ jsonrpc: '2.0', ...message }));
  });
}

function messagesIn(text: string, isStream: boolean): RpcMessage[] {
  const parts = isStream ? text.split('\n').flatMap((line) => (line.startsWith('data:') ? [line.slice(5)] : [])) : [text];
  return parts.flatMap((part) => {
    try {
      return [JSON.parse(part) as RpcMessage];
    } catch (error) {
      if (error instanceof SyntaxError) return [];
      throw error;
    }
  });
}
