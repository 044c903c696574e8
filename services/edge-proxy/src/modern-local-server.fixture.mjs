// A local MCP server of revision 2026-07-28 (SDK v2), for tests.
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import * as z from 'zod';

serveStdio(
  () => {
    const server = new McpServer({ name: 'nova', version: '1.0.0' });
    server.registerTool('echo', { inputSchema: z.object({ text: z.string() }) }, ({ text }) => ({
      content: [{ type: 'text', text: `nova: ${text}` }],
    }));
    server.registerTool('pid', {}, () => ({ content: [{ type: 'text', text: String(process.pid) }] }));
    server.registerTool('grow', {}, () => {
      server.registerTool(`tool-${Date.now()}`, {}, () => ({ content: [] }));
      return { content: [{ type: 'text', text: 'grown' }] };
    });
    return server;
  },
  { legacy: 'reject' },
);
