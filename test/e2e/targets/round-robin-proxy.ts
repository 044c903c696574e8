import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request, as the balancer saw it. */
export interface Passed {
  /** Place of the target that it was given to. */
  readonly target: number;
  readonly method: string;
  readonly body: string;
  /** Whether its answer came to its end; undefined while it has not. */
  whole: boolean | undefined;
}

/** A load balancer that gives every request to the next target, whatever it is about. */
export interface RoundRobinProxy extends AsyncDisposable {
  readonly url: string;
  /** Every request, oldest first. */
  readonly passed: readonly Passed[];
}

/** Starts one. A target that does not listen is passed over, as balancers do; nothing is sent twice. @param ports of loopback */
export async function startRoundRobinProxy(port: number, ports: readonly number[]): Promise<RoundRobinProxy> {
  const passed: Passed[] = [];
  let turn = 0;

  const pass = (request: IncomingMessage, response: ServerResponse, body: Buffer, first: number, tries = 0): void => {
    const target = (first + tries) % ports.length;
    const { method = '', url: path, headers } = request;
    const onward = http.request({ host: '127.0.0.1', port: ports[target], method, path, headers, agent: false });
    let connected = false;
    onward.once('socket', (socket) =>
      socket.once('connect', () => {
        connected = true;
        const entry: Passed = { target, method, body: body.toString('utf8'), whole: undefined };
        passed.push(entry);
        response.once('close', () => onward.destroy());
        onward.once('close', () => (entry.whole ??= false));
        onward.once('response', (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          response.flushHeaders();
          answer.pipe(response, { end: false });
          answer.once('end', () => {
            entry.whole = true;
            response.end();
          });
        });
      }),
    );
    onward.once('error', () => {
      if (!connected && tries + 1 < ports.length) pass(request, response, body, first, tries + 1);
      else response.destroy();
    });
    onward.once('response', (answer) => answer.once('error', () => response.destroy()));
    onward.end(body);
  };

  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => pass(request, response, Buffer.concat(chunks), (turn += 1)));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    passed,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
