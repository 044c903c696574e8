// The MCP server of the interop matrix on SDK v2: the same offer as server-v1.fixture.mjs, as revision 2026-07-28 has it.
import { completable, inputRequired, McpServer, ResourceTemplate } from '@modelcontextprotocol/server';
import * as z from 'zod';
import * as facts from './facts.fixture.mjs';

const { text } = facts;
const grown = new Set();
const grow = (server, name) => server.registerTool(name, { description: 'Added later' }, () => text(name));

/**
 * A server for one request or one connection.
 * @param notify tells those who listen: `toolsChanged()` and `resourceUpdated(uri)`; absent where the server itself does
 */
export function serverV2(notify) {
  const server = new McpServer(
    { name: 'interop-v2', version: '2.0.0' },
    {
      capabilities: { logging: {}, tools: { listChanged: true }, resources: { subscribe: true, listChanged: true } },
      instructions: facts.INSTRUCTIONS,
    },
  );
  plainTools(server, notify);
  streamingTools(server);
  askingTools(server);
  const who = completable(z.string(), facts.completeName);
  const greet = { description: 'A greeting', argsSchema: z.object({ who }) };
  server.registerPrompt('greet', greet, (args) => facts.greeting(args.who));
  for (const { name, uri } of facts.RESOURCES) server.registerResource(name, uri, {}, () => facts.contents(uri));
  const template = new ResourceTemplate(facts.TEMPLATE, { list: undefined });
  server.registerResource('item', template, {}, (uri) => facts.contents(uri.href));
  server.server.setRequestHandler('resources/list', ({ params }) => facts.pageOfResources(params?.cursor));
  for (const name of grown) grow(server, name);
  return server;
}

function plainTools(server, notify) {
  const echo = { description: 'Gives back its text', inputSchema: z.object({ text: z.string() }) };
  server.registerTool('echo', echo, (args) => text(args.text));
  server.registerTool('fail', { description: 'Fails' }, () => ({ isError: true, ...text('it failed') }));
  server.registerTool('picture', { description: 'An image' }, () => ({ content: [facts.PICTURE] }));
  server.registerTool('sound', { description: 'Audio' }, () => ({ content: [facts.SOUND] }));
  const big = { description: 'A long text', inputSchema: z.object({ bytes: z.number() }) };
  server.registerTool('big', big, ({ bytes }) => text(facts.longText(bytes)));
  const outputSchema = z.object({ place: z.string(), celsius: z.number() });
  server.registerTool('measure', { description: 'Structured content', outputSchema }, () => ({
    structuredContent: facts.MEASURED,
    ...text(JSON.stringify(facts.MEASURED)),
  }));
  server.registerTool('grow', { description: 'Adds a tool', inputSchema: z.object({ name: z.string() }) }, ({ name }) => {
    grown.add(name);
    if (notify === undefined) grow(server, name);
    else notify.toolsChanged();
    return text('grown');
  });
  server.registerTool(
    'touch',
    { description: 'Changes a resource', inputSchema: z.object({ uri: z.string() }) },
    async ({ uri }) => {
      if (notify === undefined) await server.server.sendResourceUpdated({ uri });
      else notify.resourceUpdated(uri);
      return text('touched');
    },
  );
}

function streamingTools(server) {
  const count = { description: 'Reports progress', inputSchema: z.object({ key: z.string(), steps: z.number() }) };
  server.registerTool('count', count, async ({ key, steps }, { mcpReq }) => {
    const progressToken = mcpReq._meta?.progressToken;
    if (progressToken === undefined) return text('nobody wants to know');
    await facts.count(key, steps, (progress) =>
      mcpReq.notify({ method: 'notifications/progress', params: { progressToken, ...progress } }),
    );
    return text('counted');
  });
  server.registerTool('go_on', { description: 'Lets a count go on', inputSchema: z.object({ key: z.string() }) }, ({ key }) => {
    facts.goOn(key);
    return text('on');
  });
  const hang = { description: 'Ends when cancelled', inputSchema: z.object({ key: z.string() }) };
  server.registerTool('hang', hang, async ({ key }, { mcpReq }) => {
    await facts.hang(key, mcpReq.signal);
    return text('cancelled');
  });
  const watched = z.object({ key: z.string(), state: z.enum(['started', 'cancelled']) });
  server.registerTool('watch_hang', { description: 'Waits for a hang', inputSchema: watched }, async ({ key, state }) =>
    text(await facts.watchHang(key, state)),
  );
  server.registerTool('log', { description: 'Logs at three levels' }, async ({ mcpReq }) => {
    for (const level of ['debug', 'warning', 'error']) await mcpReq.log(level, `at ${level}`);
    return text('logged');
  });
}

function askingTools(server) {
  /** Asks in the first round and answers in the second. */
  const ask = (name, request, answer) =>
    server.registerTool(name, { description: `Asks its client: ${name}` }, ({ mcpReq }) => {
      const response = mcpReq.inputResponses?.answer;
      return response === undefined ? inputRequired({ inputRequests: { answer: request } }) : text(answer(response));
    });
  ask('ask_form', inputRequired.elicit(facts.FORM), ({ action, content }) => `${action} ${content?.name ?? ''}`);
  ask('ask_url', inputRequired.elicitUrl(facts.LINK), ({ action }) => action);
  ask('ask_sampling', inputRequired.createMessage(facts.SAMPLING), ({ model, content }) => `${model}: ${content.text}`);
  ask('ask_roots', inputRequired.listRoots(), ({ roots }) => roots.map(({ uri }) => uri).join());
}
