import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as a receiver sees it. */
export interface Received {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What it answers. `reset` cuts the connection instead. */
export type Reply =
  { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown } | 'reset';

/** An HTTP server whose answers a function decides. */
export interface HttpReceiver extends AsyncDisposable {
  readonly url: string;
}

/** Starts one on a free port of the loopback. */
export async function startReceiver(answer: (request: Received) => Reply): Promise<HttpReceiver> {
  const server = createServer((request, response) => void handle(request, response, answer));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function handle(request: IncomingMessage, response: ServerResponse, answer: (request: Received) => Reply) {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { method = '', url = '', headers } = request;
  const reply = answer({ method, path: url, headers, body: Buffer.concat(chunks).toString('utf8') });
  if (reply === 'reset') return void request.socket.destroy();
  const { status, headers: fields = {}, body } = reply;
  response.writeHead(status, { 'content-type': 'application/json', ...fields });
  response.end(body === undefined ? '' : JSON.stringify(body));
}
