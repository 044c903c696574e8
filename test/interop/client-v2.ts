import { Client, LOG_LEVEL_META_KEY, StreamableHTTPClientTransport, type Transport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { ANSWER, type Endpoint, type Heard, type InteropClient, ROOT, SAMPLED } from './clients.js';

const NOTIFICATIONS = [
  'notifications/message',
  'notifications/resources/updated',
  'notifications/resources/list_changed',
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
] as const;

/** SDK v2 as it comes: revision 2025-11-25 by `initialize`. */
export async function connectV2Legacy(endpoint: Endpoint): Promise<InteropClient> {
  return connect(endpoint, false);
}

/** SDK v2 told to speak revision 2026-07-28 and no other. */
export async function connectV2Modern(endpoint: Endpoint): Promise<InteropClient> {
  return connect(endpoint, true);
}

function transportTo(endpoint: Endpoint): Transport {
  if (endpoint.kind === 'stdio') return new StdioClientTransport({ ...endpoint, stderr: 'ignore' });
  return new StreamableHTTPClientTransport(new URL(endpoint.url), { requestInit: { headers: endpoint.headers } });
}

function newClient(isModern: boolean, heard: Heard[]): Client {
  const client = new Client(
    { name: 'interop-v2', version: '2.0.0' },
    {
      capabilities: { roots: {}, sampling: {}, elicitation: { form: {}, url: {} } },
      versionNegotiation: { mode: isModern ? { pin: '2026-07-28' } : 'legacy' },
    },
  );
  const hear = ({ method, params = {} }: { method: string; params?: object | undefined }) =>
    void heard.push({ method, params: { ...params } });
  for (const method of NOTIFICATIONS) client.setNotificationHandler(method, hear);
  client.setRequestHandler('sampling/createMessage', (request) => {
    hear(request);
    return SAMPLED;
  });
  client.setRequestHandler('roots/list', (request) => {
    hear(request);
    return { roots: [ROOT] };
  });
  client.setRequestHandler('elicitation/create', (request) => {
    hear(request);
    return request.params.mode === 'url' ? { action: 'accept' } : { action: 'accept', content: ANSWER };
  });
  return client;
}

async function connect(endpoint: Endpoint, isModern: boolean): Promise<InteropClient> {
  const heard: Heard[] = [];
  const client = newClient(isModern, heard);
  await client.connect(transportTo(endpoint));
  let logLevel: string | undefined;
  const listen = async (filter: Parameters<typeof client.listen>[0]) => {
    const subscription = await client.listen(filter);
    return () => subscription.close();
  };
  return {
    heard,
    listTools: async () => (await client.listTools(undefined, { cacheMode: 'refresh' })).tools,
    callTool: async (call, { signal, onProgress } = {}) =>
      await client.callTool(
        { ...call, ...(isModern && logLevel !== undefined && { _meta: { [LOG_LEVEL_META_KEY]: logLevel } }) },
        { ...(signal && { signal }), ...(onProgress && { onprogress: ({ progress }) => onProgress(progress) }) },
      ),
    listPrompts: async () => (await client.listPrompts()).prompts,
    getPrompt: async (name, args) => (await client.getPrompt({ name, arguments: args })).messages,
    // Without a cursor the SDK's own method gathers all pages.
    listResources: (cursor) => client.request({ method: 'resources/list', params: cursor === undefined ? {} : { cursor } }),
    listTemplates: async () => (await client.listResourceTemplates()).resourceTemplates,
    readResource: async (uri) => (await client.readResource({ uri })).contents,
    complete: async (name, argument, value) => {
      const ref = { type: 'ref/prompt' as const, name };
      return (await client.complete({ ref, argument: { name: argument, value } })).completion.values;
    },
    subscribe: async (uri) => {
      if (isModern) return listen({ resourceSubscriptions: [uri] });
      await client.subscribeResource({ uri });
      return () => client.unsubscribeResource({ uri });
    },
    watchLists: () =>
      isModern ? listen({ toolsListChanged: true, resourcesListChanged: true }) : Promise.resolve(() => Promise.resolve()),
    setLogLevel: async (level) => {
      logLevel = level;
      if (!isModern) await client.setLoggingLevel(level);
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}
