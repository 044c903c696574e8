import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod';
import type { ReceivedRequest, UpstreamOptions } from './legacy-upstream.js';

/** A running modern upstream for tests. */
export interface ModernUpstream {
  readonly url: string;
  readonly received: readonly ReceivedRequest[];
  /** Tells listeners that the tools have changed. */
  toolsChanged(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What the fixture server of 2026-07-28 is told. */
export interface ModernUpstreamOptions extends UpstreamOptions {
  /** Whether it answers `initialize` too. */
  readonly alsoLegacy?: boolean;
}

/** As `startModernUpstream` says. */
export async function openModernUpstream(options: ModernUpstreamOptions): Promise<ModernUpstream> {
  const received: ReceivedRequest[] = [];
  const handler = createMcpHandler(() => modernServer(options.name), {
    legacy: options.alsoLegacy === true ? 'stateless' : 'reject',
  });
  const serve = toNodeHandler(handler);
  const http = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      received.push({ method: request.method ?? '', headers: request.headers, body });
      return serve(request as Parameters<typeof serve>[0], response, body === '' ? undefined : JSON.parse(body));
    });
  });
  await new Promise<void>((resolve) => http.listen(options.port ?? 0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    received,
    toolsChanged: () => handler.notify.toolsChanged(),
    [Symbol.asyncDispose]: async () => {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

function modernServer(name: string): McpServer {
  const server = new McpServer({ name, version: '1.0.0' }, { instructions: `Use ${name} well.` });
  server.registerTool(
    'echo',
    { description: 'Gives back what it is given', inputSchema: z.object({ text: z.string() }) },
    ({ text }) => ({
      content: [{ type: 'text', text: `${name}: ${text}` }],
    }),
  );
  server.registerTool('fail', { description: 'Fails' }, () => ({
    isError: true,
    content: [{ type: 'text', text: 'it failed' }],
  }));
  server.registerTool(
    'slow',
    { description: 'Reports progress, then answers', inputSchema: z.object({ steps: z.number() }) },
    async ({ steps }, context) => {
      const progressToken = context.mcpReq._meta?.progressToken;
      for (let step = 1; step <= steps; step += 1) {
        if (progressToken !== undefined)
          await context.mcpReq.notify({
            method: 'notifications/progress',
            params: { progressToken, progress: step, total: steps },
          });
      }
      return { content: [{ type: 'text', text: 'done' }] };
    },
  );
  server.registerPrompt('greet', { description: 'A greeting', argsSchema: z.object({ who: z.string() }) }, ({ who }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: `${name} greets ${who}` } }],
  }));
  server.registerResource('counter', 'test://counter', { description: 'A counter' }, (uri) => ({
    contents: [{ uri: uri.href, text: `${name} counter` }],
  }));
  return server;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
