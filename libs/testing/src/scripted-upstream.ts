import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ReceivedRequest } from './legacy-upstream.js';

/** A JSON-RPC message as scripts read it. */
export interface ScriptedMessage {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: { readonly name?: string; readonly cursor?: string; readonly _meta?: { readonly progressToken?: unknown } };
  readonly result?: unknown;
  readonly error?: { readonly code: number };
}

/** What a script has in hand: the request that it answers as it likes, well or badly. */
export interface ScriptedExchange {
  readonly request: IncomingMessage;
  readonly message: ScriptedMessage;
  readonly response: ServerResponse;
}

/** Answers one request. */
export type Script = (exchange: ScriptedExchange) => void;

/** A running server that does what it is told. */
export interface ScriptedUpstream {
  readonly url: string;
  readonly port: number;
  /** Every HTTP request that it received, oldest first. */
  readonly received: readonly ReceivedRequest[];
  /** Replaces the script of a JSON-RPC method; `GET` and `DELETE` stand for those HTTP methods. */
  on(method: string, script: Script): void;
  /** Ends every connection, and takes no new ones until `resume`. */
  stop(): Promise<void>;
  /** Listens again, on the same port. */
  resume(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What a scripted upstream is told at the start. */
export interface ScriptedUpstreamOptions {
  readonly name: string;
  /** Names of its tools. */
  readonly tools?: readonly string[];
  /** Scripts beside, or in place of, those that make a sound legacy server. */
  readonly scripts?: Readonly<Record<string, Script>>;
}

/** Answers with a result, as JSON. */
export function answerResult(
  { message, response }: ScriptedExchange,
  result: object,
  headers: Record<string, string> = {},
): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }));
}

/** Begins an event stream; the returned function sends one message, or text as it is. */
export function beginEvents(response: ServerResponse): (message: object | string) => void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  return (message) =>
    response.write(typeof message === 'string' ? message : `event: message\ndata: ${JSON.stringify(message)}\n\n`);
}

function soundScripts(name: string, tools: readonly string[]): Record<string, Script> {
  const empty =
    (status: number): Script =>
    ({ response }) =>
      void response.writeHead(status).end();
  return {
    initialize: (exchange) =>
      answerResult(
        exchange,
        { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name, version: '1' } },
        { 'mcp-session-id': randomUUID() },
      ),
    'tools/list': (exchange) =>
      answerResult(exchange, { tools: tools.map((tool) => ({ name: tool, inputSchema: { type: 'object' } })) }),
    'tools/call': (exchange) =>
      answerResult(exchange, { content: [{ type: 'text', text: `${name}: ${exchange.message.params?.name ?? ''}` }] }),
    ping: (exchange) => answerResult(exchange, {}),
    // What legacy servers say to a request without a session.
    'server/discover': ({ response }) => {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end('{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Bad Request: Server not initialized"}}');
    },
    GET: empty(405),
    DELETE: empty(200),
    notification: empty(202),
    answer: empty(202),
  };
}

function keyOf(request: IncomingMessage, message: ScriptedMessage): string {
  if (request.method !== 'POST') return request.method ?? '';
  if (message.method === undefined) return 'answer';
  return message.id === undefined ? 'notification' : message.method;
}

/** Starts a server on a random port of loopback that speaks just enough MCP to be used, and else does what its scripts do. */
export async function startScriptedUpstream(options: ScriptedUpstreamOptions): Promise<ScriptedUpstream> {
  const scripts = { ...soundScripts(options.name, options.tools ?? []), ...options.scripts };
  const received: ReceivedRequest[] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    received.push({ method: request.method ?? '', headers: request.headers, body });
    const message = (body === '' ? {} : JSON.parse(body)) as ScriptedMessage;
    const script = scripts[keyOf(request, message)];
    if (script) script({ request, message, response });
    else response.writeHead(404).end();
  };
  const http = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await listen(http, 0);
  const { port } = http.address() as AddressInfo;
  const stop = async () => {
    http.closeAllConnections();
    if (http.listening) await new Promise((resolve) => http.close(resolve));
  };
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    port,
    received,
    on: (method, script) => (scripts[method] = script),
    stop,
    resume: () => listen(http, port),
    [Symbol.asyncDispose]: stop,
  };
}

const listen = (http: Server, port: number) =>
  new Promise<void>((resolve, reject) => http.once('error', reject).listen(port, '127.0.0.1', resolve));
