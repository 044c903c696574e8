import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as z from 'zod';

/** A running upstream of MCP 2024-11-05, HTTP with SSE. */
export interface SseUpstream {
  readonly url: string;
  /** `GET /sse`, `POST /messages`, `POST /sse`: every request, oldest first. */
  readonly received: readonly { readonly line: string; readonly headers: IncomingMessage['headers'] }[];
  /** Ids of the streams that are open. */
  readonly open: () => readonly string[];
  /** Cuts every stream, and so ends every session. */
  cut(): void;
  /** Adds a tool to every session, which is told. */
  addTool(name: string): void;
  [Symbol.asyncDispose](): Promise<void>;
}

interface Session {
  readonly transport: SSEServerTransport;
  readonly server: McpServer;
  readonly response: ServerResponse;
}

const textOf = (text: string) => ({ content: [{ type: 'text' as const, text }] });

/** Starts a server on SDK v1's transport. @param options.statusOfPost what it answers to a POST on the stream's URL */
export async function startSseUpstream(
  options: { readonly statusOfPost?: number; readonly endpoint?: string } = {},
): Promise<SseUpstream> {
  const sessions = new Map<string, Session>();
  const received: { line: string; headers: IncomingMessage['headers'] }[] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    received.push({ line: `${request.method} ${pathname}`, headers: request.headers });
    if (pathname === '/sse' && request.method === 'GET') {
      if (options.endpoint !== undefined) {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(`event: endpoint\ndata: ${options.endpoint}\n\n`);
        return;
      }
      const transport = new SSEServerTransport('/messages', response);
      const server = sseServer();
      sessions.set(transport.sessionId, { transport, server, response });
      response.on('close', () => sessions.delete(transport.sessionId));
      await server.connect(transport);
      return;
    }
    const session = pathname === '/messages' ? sessions.get(searchParams.get('sessionId') ?? '') : undefined;
    if (session) await session.transport.handlePostMessage(request, response);
    else response.writeHead(pathname === '/sse' ? (options.statusOfPost ?? 405) : 404).end();
  };
  const http = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/sse`,
    received,
    open: () => [...sessions.keys()],
    cut: () => {
      for (const { response } of sessions.values()) response.destroy();
    },
    addTool: (name) => {
      for (const { server } of sessions.values()) server.registerTool(name, {}, () => textOf(name));
    },
    [Symbol.asyncDispose]: async () => {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

function sseServer(): McpServer {
  const server = new McpServer({ name: 'oldest', version: '1' }, { capabilities: { logging: {} }, instructions: 'Use it well.' });
  let hung = 'nothing';
  server.registerTool('echo', { inputSchema: { text: z.string() } }, ({ text }) => textOf(text));
  server.registerTool('big', { inputSchema: { bytes: z.number() } }, ({ bytes }) => textOf('x'.repeat(bytes)));
  server.registerTool('sound', {}, () => ({ content: [{ type: 'audio', data: 'AAAA', mimeType: 'audio/wav' }] }));
  server.registerTool('slow', { inputSchema: { steps: z.number() } }, async ({ steps }, { _meta, sendNotification }) => {
    for (let step = 1; step <= steps; step += 1) {
      const progressToken = _meta?.progressToken ?? 'none';
      await sendNotification({ method: 'notifications/progress', params: { progressToken, progress: step, total: steps } });
    }
    await sendNotification({ method: 'notifications/message', params: { level: 'info', data: 'slow is done' } });
    return textOf('done');
  });
  server.registerTool('hang', {}, async ({ signal }) => {
    hung = 'started';
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    hung = 'cancelled';
    return textOf('cancelled');
  });
  server.registerTool('hung', {}, () => textOf(hung));
  server.registerTool('ask', {}, async () => {
    const pong = await server.server.ping().then(() => 'pong');
    const roots = await server.server.listRoots().catch((error: unknown) => String(error));
    return textOf(`${pong}; ${typeof roots === 'string' ? roots : 'roots'}`);
  });
  return server;
}
