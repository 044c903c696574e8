import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { completable } from '@modelcontextprotocol/sdk/server/completable.js';
import { isInitializeRequest } from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';

/** A request that an upstream received, as far as tests ask about it. */
export interface ReceivedRequest {
  readonly method: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A running upstream for tests. */
export interface TestUpstream {
  readonly url: string;
  /** Every HTTP request that it received, oldest first. */
  readonly received: readonly ReceivedRequest[];
  /** Forgets all sessions, as a restart would. */
  forgetSessions(): void;
  /** Adds a tool, which tells every session that the list has changed. */
  addTool(name: string): void;
  /** Tells sessions that subscribed to `test://counter` that it has changed. */
  touchResource(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What the fixture server of both eras offers under a name. */
export interface UpstreamOptions {
  /** Appears in results, so that tests see which upstream answered. */
  readonly name: string;
  /** Listens here when given; tests use it to start an upstream late. */
  readonly port?: number;
}

interface Session {
  readonly transport: StreamableHTTPServerTransport;
  readonly server: McpServer;
}

/** As `startLegacyUpstream` says. */
export async function openLegacyUpstream(options: UpstreamOptions): Promise<TestUpstream> {
  const sessions = new Map<string, Session>();
  const received: ReceivedRequest[] = [];
  const added: string[] = [];

  async function open(): Promise<Session> {
    const server = legacyServer(options.name);
    for (const tool of added) addTool(server, tool);
    const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, { transport, server }),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    await server.connect(transport);
    return { transport, server };
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await textOf(request);
    received.push({ method: request.method ?? '', headers: request.headers, body });
    const id = request.headers['mcp-session-id'];
    const message: unknown = body === '' ? undefined : JSON.parse(body);
    const known = typeof id === 'string' ? sessions.get(id) : undefined;
    if (known === undefined && !(id === undefined && isInitializeRequest(message))) {
      response.writeHead(404, { 'content-type': 'application/json' });
      response.end('{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}');
      return;
    }
    const { transport } = known ?? (await open());
    await transport.handleRequest(request, response, message);
  }

  const http = createServer((request, response) => {
    handle(request, response).catch((error: unknown) =>
      response.destroy(error instanceof Error ? error : new Error(String(error))),
    );
  });
  await new Promise<void>((resolve) => http.listen(options.port ?? 0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    received,
    forgetSessions: () => sessions.clear(),
    addTool: (tool) => {
      added.push(tool);
      for (const { server } of sessions.values()) addTool(server, tool);
    },
    touchResource: async () => {
      await Promise.all([...sessions.values()].map(({ server }) => server.server.sendResourceUpdated({ uri: 'test://counter' })));
    },
    [Symbol.asyncDispose]: async () => {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

function addTool(server: McpServer, name: string): void {
  server.registerTool(name, { description: `Added later: ${name}` }, () => ({ content: [{ type: 'text', text: name }] }));
}

function legacyServer(name: string): McpServer {
  const server = new McpServer(
    { name, version: '1.0.0' },
    { capabilities: { logging: {}, resources: { subscribe: true, listChanged: true } }, instructions: `Use ${name} well.` },
  );
  server.registerTool('echo', { description: 'Gives back what it is given', inputSchema: { text: z.string() } }, ({ text }) => ({
    content: [{ type: 'text', text: `${name}: ${text}` }],
  }));
  server.registerTool('fail', { description: 'Fails' }, () => ({
    isError: true,
    content: [{ type: 'text', text: 'it failed' }],
  }));
  server.registerTool('delete_all', { description: 'Must never be reached' }, () => ({
    content: [{ type: 'text', text: 'deleted' }],
  }));
  server.registerTool('big', { description: 'A result of `bytes` bytes', inputSchema: { bytes: z.number() } }, ({ bytes }) => ({
    content: [{ type: 'text', text: 'x'.repeat(bytes) }],
  }));
  server.registerTool(
    'slow',
    { description: 'Reports progress and logs, then answers', inputSchema: { steps: z.number() } },
    async ({ steps }, extra) => {
      const progressToken = extra._meta?.progressToken;
      for (let step = 1; step <= steps; step += 1) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        if (progressToken !== undefined) {
          await extra.sendNotification({
            method: 'notifications/progress',
            params: { progressToken, progress: step, total: steps },
          });
        }
        await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data: `step ${step}` } });
      }
      return { content: [{ type: 'text', text: 'done' }] };
    },
  );
  server.registerTool('hang', { description: 'Answers when it is cancelled' }, async (extra) => {
    await new Promise((resolve) => extra.signal.addEventListener('abort', resolve, { once: true }));
    return { content: [{ type: 'text', text: 'cancelled' }] };
  });
  server.registerPrompt(
    'greet',
    {
      description: 'A greeting',
      argsSchema: { who: completable(z.string(), (text) => ['Ana', 'Bea'].filter((who) => who.startsWith(text))) },
    },
    ({ who }) => ({
      messages: [{ role: 'user', content: { type: 'text', text: `${name} greets ${who}` } }],
    }),
  );
  server.registerResource('counter', 'test://counter', { description: 'A counter' }, (uri) => ({
    contents: [{ uri: uri.href, text: `${name} counter` }],
  }));
  server.registerResource(
    'item',
    new ResourceTemplate('test://items/{id}', { list: undefined }),
    { description: 'An item' },
    (uri, { id }) => ({
      contents: [{ uri: uri.href, text: `${name} item ${String(id)}` }],
    }),
  );
  server.server.setRequestHandler(
    z.object({ method: z.literal('resources/subscribe'), params: z.object({ uri: z.string() }) }),
    () => ({}),
  );
  server.server.setRequestHandler(
    z.object({ method: z.literal('resources/unsubscribe'), params: z.object({ uri: z.string() }) }),
    () => ({}),
  );
  return server;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
