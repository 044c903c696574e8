import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  type ClientCapabilities,
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  type JSONRPCMessage,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { ANSWER, type Endpoint, type Heard, type InteropClient, ROOT, SAMPLED, type ToolResult } from './clients.js';

const FULL: ClientCapabilities = { roots: {}, sampling: {}, elicitation: { form: {}, url: {} } };
/** Revision 2024-11-05 has no elicitation. */
const OLDEST: ClientCapabilities = { roots: {}, sampling: {} };

/** SDK v1 over Streamable HTTP or stdio: revision 2025-11-25. */
export async function connectV1(endpoint: Endpoint): Promise<InteropClient> {
  return connect(transportTo(endpoint), FULL);
}

/** A client of revision 2024-11-05 over HTTP+SSE: SDK v1, held to what that revision has. */
export async function connectSse(endpoint: Endpoint): Promise<InteropClient> {
  if (endpoint.kind !== 'http') throw new Error('HTTP+SSE needs a URL');
  const transport = new SSEClientTransport(new URL(endpoint.url), { requestInit: { headers: endpoint.headers } });
  return connect(offeringOldest(transport), OLDEST);
}

function transportTo(endpoint: Endpoint): Transport {
  if (endpoint.kind === 'stdio') return new StdioClientTransport({ ...endpoint, stderr: 'ignore' });
  const { url, headers } = endpoint;
  return new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
}

/** The SDK always offers its newest revision, whatever the transport. */
function offeringOldest(transport: SSEClientTransport): Transport {
  const send = transport.send.bind(transport);
  transport.send = (message: JSONRPCMessage) =>
    'method' in message && message.method === 'initialize'
      ? send({ ...message, params: { ...message.params, protocolVersion: '2024-11-05' } })
      : send(message);
  return transport;
}

async function connect(transport: Transport, capabilities: ClientCapabilities): Promise<InteropClient> {
  const client = new Client({ name: 'interop-v1', version: '1.0.0' }, { capabilities });
  const heard: Heard[] = [];
  const hear = ({ method, params = {} }: { method: string; params?: object | undefined }) =>
    void heard.push({ method, params: { ...params } });
  client.fallbackNotificationHandler = async (notification) => hear(notification);
  client.setRequestHandler(CreateMessageRequestSchema, (request) => {
    hear(request);
    return SAMPLED;
  });
  client.setRequestHandler(ListRootsRequestSchema, (request) => {
    hear(request);
    return { roots: [ROOT] };
  });
  if (capabilities.elicitation !== undefined)
    client.setRequestHandler(ElicitRequestSchema, (request) => {
      hear(request);
      return request.params.mode === 'url' ? { action: 'accept' } : { action: 'accept', content: ANSWER };
    });
  await client.connect(transport);
  return {
    heard,
    listTools: async () => (await client.listTools()).tools,
    callTool: async (call, { signal, onProgress } = {}) =>
      (await client.callTool({ ...call }, undefined, {
        ...(signal && { signal }),
        ...(onProgress && { onprogress: ({ progress }) => onProgress(progress) }),
      })) as ToolResult,
    listPrompts: async () => (await client.listPrompts()).prompts,
    getPrompt: async (name, args) => (await client.getPrompt({ name, arguments: args })).messages,
    listResources: (cursor) => client.listResources(cursor === undefined ? {} : { cursor }),
    listTemplates: async () => (await client.listResourceTemplates()).resourceTemplates,
    readResource: async (uri) => (await client.readResource({ uri })).contents,
    complete: async (name, argument, value) => {
      const ref = { type: 'ref/prompt' as const, name };
      return (await client.complete({ ref, argument: { name: argument, value } })).completion.values;
    },
    subscribe: async (uri) => {
      await client.subscribeResource({ uri });
      return () => client.unsubscribeResource({ uri });
    },
    watchLists: () => Promise.resolve(() => Promise.resolve()),
    setLogLevel: (level) => client.setLoggingLevel(level),
    [Symbol.asyncDispose]: () => client.close(),
  };
}
