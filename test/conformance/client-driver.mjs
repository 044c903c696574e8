// What the referee starts as "the client": it puts the referee's server, whose URL is its last argument, behind a running gateway, and does
// through the gateway what the scenario wants a client to do. So the client that is examined is the gateway.
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { offerUpstream } from './gateway.mjs';

const {
  CONFORMANCE_GATEWAY_FILE: file,
  MCP_CONFORMANCE_SCENARIO: scenario,
  MCP_CONFORMANCE_PROTOCOL_VERSION: revision,
  MCP_CONFORMANCE_CONTEXT: context = '{}',
} = process.env;

/** Takes what is asked for, as it is suggested. */
const acceptsDefaults = () => ({ action: 'accept', content: {} });
const confirms = () => ({ action: 'accept', content: { confirmed: true } });

async function legacyClient(url) {
  const capabilities = { elicitation: { form: { applyDefaults: true } } };
  const client = new Client({ name: 'conformance-driver', version: '1.0.0' }, { capabilities });
  client.setRequestHandler(ElicitRequestSchema, acceptsDefaults);
  const transport = new StreamableHTTPClientTransport(new URL(url));
  await client.connect(transport);
  return { client, end: () => transport.terminateSession().then(() => client.close()) };
}

async function modernClient(url) {
  const client = new ModernClient(
    { name: 'conformance-driver', version: '1.0.0' },
    { versionNegotiation: { mode: 'auto' }, capabilities: { elicitation: {} } },
  );
  client.setRequestHandler('elicitation/create', confirms);
  await client.connect(new ModernTransport(new URL(url)));
  return { client, end: () => client.close() };
}

const list = (client) => client.listTools();
const call = (client, name, args = {}) => client.callTool({ name, arguments: args });

/** One step after the other; one that fails does not keep the next from being tried. */
async function each(...steps) {
  const outcomes = [];
  for (const step of steps) outcomes.push(await step().catch((error) => error));
  const failed = outcomes.filter((outcome) => outcome instanceof Error);
  if (failed.length > 0) throw new AggregateError(failed, failed.map(({ message }) => message).join('\n'));
}

/** What a client is to do, by scenario. */
const STEPS = {
  initialize: list,
  tools_call: async (client) => {
    await list(client);
    await call(client, 'add_numbers', { a: 5, b: 3 });
  },
  'elicitation-sep1034-client-defaults': async (client) => {
    await list(client);
    await call(client, 'test_client_elicitation_defaults');
  },
  'sse-retry': async (client) => {
    await list(client);
    await call(client, 'test_reconnection');
  },
  'json-schema-2020-12-preservation': async (client) => {
    const { tools } = await list(client);
    const { inputSchema } = tools.find(({ name }) => name === 'json_schema_2020_12_tool');
    await call(client, 'json_schema_echo', { schema: inputSchema });
  },
  'request-metadata': list,
  'sep-2322-client-request-state': async (client) => {
    await list(client);
    await each(
      () => call(client, 'test_mrtr_echo_state'),
      () => call(client, 'test_mrtr_unrelated'),
      () => call(client, 'test_mrtr_no_state'),
      () => call(client, 'test_mrtr_no_result_type'),
    );
  },
  'http-standard-headers': async (client) => {
    const { tools } = await list(client);
    const { resources } = await client.listResources();
    const { prompts } = await client.listPrompts();
    await each(
      ...tools.map(
        ({ name }) =>
          () =>
            call(client, name),
      ),
      ...resources.map(
        ({ uri }) =>
          () =>
            client.readResource({ uri }),
      ),
      ...prompts.map(
        ({ name }) =>
          () =>
            client.getPrompt({ name }),
      ),
    );
  },
  'http-custom-headers': async (client) => {
    await list(client);
    await each(...JSON.parse(context).toolCalls.map((wanted) => () => call(client, wanted.name, wanted.arguments)));
  },
  'json-schema-ref-no-deref': list,
};

/** Clients drop tools that are not usable; this one does not, so that it shows which ones the gateway drops. */
async function callEveryTool(url) {
  const { result } = await post(url, 'tools/list', {});
  await each(
    ...result.tools.map(({ name, inputSchema }) => () => {
      const names = Object.keys(inputSchema.properties);
      const mirrored = names.flatMap((key) => {
        const field = inputSchema.properties[key]['x-mcp-header'];
        return /^[\w-]+$/.test(field) ? [[`mcp-param-${field}`, 'x']] : [];
      });
      const args = Object.fromEntries(names.map((key) => [key, 'x']));
      return post(url, 'tools/call', { name, arguments: args }, { 'mcp-name': name, ...Object.fromEntries(mirrored) });
    }),
  );
}

async function post(url, method, params, headers = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': revision,
      'mcp-method': method,
      ...headers,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method,
      params: {
        ...params,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': revision,
          'io.modelcontextprotocol/clientInfo': { name: 'conformance-driver', version: '1.0.0' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    }),
  });
  return response.json();
}

async function act(url) {
  if (scenario === 'http-invalid-tool-headers') return callEveryTool(url);
  const { client, end } = revision >= '2026-07-28' ? await modernClient(url) : await legacyClient(url);
  try {
    await STEPS[scenario](client);
  } finally {
    await end();
  }
}

await using server = await offerUpstream({ file, name: `referee-${scenario.replaceAll('_', '-')}`, url: process.argv.at(-1) });
await act(server.url);
