import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as a receiver sees it. */
export interface Received {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly bytes: Buffer;
}

/** What it answers: a body of bytes as it is, any other as JSON. `reset` cuts the connection instead, `silence` keeps it. */
export type Reply =
  { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown } | 'reset' | 'silence';

type Answer = (request: Received) => Reply | Promise<Reply>;

/** An HTTP server whose answers a function decides. */
export interface HttpReceiver extends AsyncDisposable {
  readonly url: string;
}

/** Starts one on a free port of the loopback. */
export async function startReceiver(answer: Answer): Promise<HttpReceiver> {
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

async function handle(request: IncomingMessage, response: ServerResponse, answer: Answer) {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { method = '', url = '', headers } = request;
  const bytes = Buffer.concat(chunks);
  const reply = await answer({ method, path: url, headers, bytes, body: bytes.toString('utf8') });
  if (reply === 'reset') return void request.socket.destroy();
  if (reply === 'silence') return;
  const { status, headers: fields = {}, body } = reply;
  response.writeHead(status, { 'content-type': 'application/json', ...fields });
  response.end(body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body));
}
