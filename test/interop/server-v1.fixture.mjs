// The MCP server of the interop matrix on SDK v1: every feature of revisions 2024-11-05 to 2025-11-25 under a fixed name.
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js';
import { completable } from '@modelcontextprotocol/sdk/server/completable.js';
import {
  ListResourcesRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
  UrlElicitationRequiredError,
} from '@modelcontextprotocol/sdk/types.js';
import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import * as facts from './facts.fixture.mjs';

const { text } = facts;
/** Every open session's server, with what it is subscribed to. */
const open = new Map();
const grown = new Set();
const signedIn = new Set();

const grow = (server, name) => server.registerTool(name, { description: 'Added later' }, () => text(name));

/** A server for one session. It is forgotten when its session closes. */
export function serverV1() {
  const server = new McpServer(
    { name: 'interop-v1', version: '1.0.0' },
    {
      capabilities: { logging: {}, tools: { listChanged: true }, resources: { subscribe: true, listChanged: true } },
      instructions: facts.INSTRUCTIONS,
    },
  );
  plainTools(server);
  streamingTools(server);
  askingTools(server);
  prompts(server);
  resources(server);
  for (const name of grown) grow(server, name);
  open.set(server, new Set());
  server.server.onclose = () => open.delete(server);
  return server;
}

function plainTools(server) {
  server.registerTool('echo', { description: 'Gives back its text', inputSchema: { text: z.string() } }, (args) =>
    text(args.text),
  );
  server.registerTool('fail', { description: 'Fails' }, () => ({ isError: true, ...text('it failed') }));
  server.registerTool('picture', { description: 'An image' }, () => ({ content: [facts.PICTURE] }));
  server.registerTool('sound', { description: 'Audio' }, () => ({ content: [facts.SOUND] }));
  server.registerTool('big', { description: 'A long text', inputSchema: { bytes: z.number() } }, ({ bytes }) =>
    text(facts.longText(bytes)),
  );
  server.registerTool(
    'measure',
    { description: 'Structured content', outputSchema: { place: z.string(), celsius: z.number() } },
    () => ({ structuredContent: facts.MEASURED, ...text(JSON.stringify(facts.MEASURED)) }),
  );
  server.registerTool('grow', { description: 'Adds a tool', inputSchema: { name: z.string() } }, ({ name }) => {
    grown.add(name);
    for (const other of open.keys()) grow(other, name);
    return text('grown');
  });
  server.registerTool('touch', { description: 'Changes a resource', inputSchema: { uri: z.string() } }, async ({ uri }) => {
    for (const [other, subscribed] of open) if (subscribed.has(uri)) await other.server.sendResourceUpdated({ uri });
    return text('touched');
  });
}

function streamingTools(server) {
  const counted = { key: z.string(), steps: z.number() };
  server.registerTool('count', { description: 'Reports progress', inputSchema: counted }, async ({ key, steps }, extra) => {
    const progressToken = extra._meta?.progressToken;
    if (progressToken === undefined) return text('nobody wants to know');
    await facts.count(key, steps, (progress) =>
      extra.sendNotification({ method: 'notifications/progress', params: { progressToken, ...progress } }),
    );
    return text('counted');
  });
  server.registerTool('go_on', { description: 'Lets a count go on', inputSchema: { key: z.string() } }, ({ key }) => {
    facts.goOn(key);
    return text('on');
  });
  server.registerTool(
    'hang',
    { description: 'Ends when cancelled', inputSchema: { key: z.string() } },
    async ({ key }, extra) => {
      await facts.hang(key, extra.signal);
      return text('cancelled');
    },
  );
  server.registerTool(
    'watch_hang',
    { description: 'Waits for a hang', inputSchema: { key: z.string(), state: z.enum(['started', 'cancelled']) } },
    async ({ key, state }) => text(await facts.watchHang(key, state)),
  );
  server.registerTool('log', { description: 'Logs at three levels' }, async (extra) => {
    for (const level of ['debug', 'warning', 'error']) {
      if (!server.server.isMessageIgnored(level, extra.sessionId))
        await extra.sendNotification({ method: 'notifications/message', params: { level, data: `at ${level}` } });
    }
    return text('logged');
  });
}

function askingTools(server) {
  const related = (extra) => ({ relatedRequestId: extra.requestId, timeout: 20_000 });
  server.registerTool('ask_form', { description: 'Asks for a form' }, async (extra) => {
    const { action, content } = await server.server.elicitInput({ mode: 'form', ...facts.FORM }, related(extra));
    return text(`${action} ${content?.name ?? ''}`);
  });
  server.registerTool('ask_url', { description: 'Asks to open a URL' }, async (extra) => {
    const elicitation = { mode: 'url', elicitationId: randomUUID(), ...facts.LINK };
    const { action } = await server.server.elicitInput(elicitation, related(extra));
    return text(action);
  });
  server.registerTool('need_url', { description: 'Works after a sign-in', inputSchema: { key: z.string() } }, ({ key }) => {
    if (signedIn.has(key)) return text('signed in');
    signedIn.add(key);
    throw new UrlElicitationRequiredError([{ mode: 'url', elicitationId: randomUUID(), ...facts.LINK }]);
  });
  server.registerTool('ask_sampling', { description: 'Asks for a completion' }, async (extra) => {
    const { content, model } = await server.server.createMessage(facts.SAMPLING, related(extra));
    return text(`${model}: ${content.text}`);
  });
  server.registerTool('ask_roots', { description: 'Asks for roots' }, async (extra) => {
    const { roots } = await server.server.listRoots(undefined, related(extra));
    return text(roots.map(({ uri }) => uri).join());
  });
}

function prompts(server) {
  const who = completable(z.string(), facts.completeName);
  server.registerPrompt('greet', { description: 'A greeting', argsSchema: { who } }, (args) => facts.greeting(args.who));
}

function resources(server) {
  const { server: bare } = server;
  for (const { name, uri } of facts.RESOURCES) server.registerResource(name, uri, {}, () => facts.contents(uri));
  const template = new ResourceTemplate(facts.TEMPLATE, { list: undefined });
  server.registerResource('item', template, {}, (uri) => facts.contents(uri.href));
  bare.setRequestHandler(ListResourcesRequestSchema, ({ params }) => facts.pageOfResources(params?.cursor));
  bare.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
    open.get(server)?.add(params.uri);
    return {};
  });
  bare.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => {
    open.get(server)?.delete(params.uri);
    return {};
  });
}
