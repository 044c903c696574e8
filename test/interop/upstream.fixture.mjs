// An upstream of the interop matrix, as a program: `node upstream.fixture.mjs <v1|v2> <http|sse|stdio>`.
// Over HTTP it prints its URL on a line of its own.
import { toNodeHandler } from '@modelcontextprotocol/node';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { createMcpHandler } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { serverV1 } from './server-v1.fixture.mjs';
import { serverV2 } from './server-v2.fixture.mjs';

const refuse = (response, status, code, message) =>
  response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } }));

/** Sessions as the examples of SDK v1 keep them. */
function streamableHttp() {
  const sessions = new Map();
  return async (request, response) => {
    const id = request.headers['mcp-session-id'];
    const known = sessions.get(id);
    if (known !== undefined) return known.handleRequest(request, response);
    if (id !== undefined) return refuse(response, 404, -32001, 'Session not found');
    const message = JSON.parse((await request.toArray()).join('') || 'null');
    if (message?.method !== 'initialize') return refuse(response, 400, -32000, 'Bad Request: No valid session ID provided');
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (made) => void sessions.set(made, transport),
      onsessionclosed: (closed) => void sessions.delete(closed),
    });
    await serverV1().connect(transport);
    return transport.handleRequest(request, response, message);
  };
}

/** HTTP+SSE of revision 2024-11-05: GET /sse opens the stream, which names where to POST. Nothing else is served. */
function httpSse() {
  const sessions = new Map();
  return async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://localhost');
    if (pathname === '/sse' && request.method === 'GET') {
      const transport = new SSEServerTransport('/messages', response);
      sessions.set(transport.sessionId, transport);
      response.on('close', () => sessions.delete(transport.sessionId));
      return serverV1().connect(transport);
    }
    const known = pathname === '/messages' && sessions.get(searchParams.get('sessionId'));
    if (known) return known.handlePostMessage(request, response);
    return response.writeHead(pathname === '/sse' ? 405 : 404).end();
  };
}

function modernHttp() {
  const handler = createMcpHandler(() => serverV2(handler.notify), { legacy: 'reject' });
  return toNodeHandler(handler);
}

const listen = (path, handle) => {
  const server = createServer((request, response) => {
    Promise.resolve(handle(request, response)).catch((error) => response.destroy(error));
  });
  server.listen(0, '127.0.0.1', () => process.stdout.write(`http://127.0.0.1:${server.address().port}${path}\n`));
};

const KINDS = {
  'v1 http': () => listen('/mcp', streamableHttp()),
  'v1 sse': () => listen('/sse', httpSse()),
  'v1 stdio': () => serverV1().connect(new StdioServerTransport()),
  'v2 http': () => listen('/mcp', modernHttp()),
  'v2 stdio': () => serveStdio(() => serverV2(), { legacy: 'reject' }),
};

await KINDS[process.argv.slice(2).join(' ')]();
