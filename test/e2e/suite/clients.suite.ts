import { randomUUID } from 'node:crypto';
import { inspect } from '../clients/inspector.js';
import { SDKS } from '../clients/sdk-clients.js';
import { serverUrl, type GetContext } from './context.js';

const DEMO_TOOLS = ['echo', 'get-sum', 'files__list_directory', 'files__read_text_file'];

/** Unmodified clients with an API key, on two real MCP servers behind one endpoint. */
export function clientsSuite(context: GetContext): void {
  describe('real clients with an API key', () => {
    let key: { readonly key: string; readonly id: string };
    beforeAll(async () => {
      key = await context().admin.createKey({ name: 'agent', servers: ['demo', 'team', 'open'] });
    });

    const principal = () => ({
      principal_kind: 'service',
      principal_name: 'agent',
      principal_subject: key.id,
      client_id: key.id,
    });
    const eventOf = (server: string, upstream: string) => ({ ...principal(), server, upstream, outcome: 'ok', http_status: 200 });

    it.each(Object.values(SDKS).map((sdk) => [sdk.id, sdk] as const))(
      'K-1 %s: lists and calls tools of both upstreams',
      async (_id, sdk) => {
        const { ledger } = context();
        const connect = (upstream: string) => {
          const event = { ...eventOf('demo', upstream), client_name: sdk.clientName };
          return sdk.connect({ url: serverUrl(context(), 'demo'), apiKey: key.key, fetch: ledger.fetch(event) });
        };
        await using client = await connect('everything');
        const names = await client.toolNames();
        expect(names).toEqual(expect.arrayContaining(DEMO_TOOLS));
        expect(names).not.toContain('files__move_file');
        expect(await client.callTool('echo', { message: 'hi' })).toBe('Echo: hi');
        await using second = await connect('files');
        expect(await second.callTool('files__read_text_file', { path: 'welcome.md' })).toContain('Welcome to Switchyard');
      },
    );

    it('K-2 the MCP Inspector lists and calls tools', async () => {
      const { ledger } = context();
      const requestId = `e2e-${randomUUID()}`;
      const headers = { authorization: `Bearer ${key.key}`, 'x-request-id': requestId };
      const listed = (await inspect(serverUrl(context(), 'demo'), headers, ['--method', 'tools/list'])) as {
        tools: { name: string }[];
      };
      expect(listed.tools.map(({ name }) => name)).toEqual(expect.arrayContaining(DEMO_TOOLS));
      const call = ['--method', 'tools/call', '--tool-name', 'echo', '--tool-arg', 'message=hi'];
      expect(await inspect(serverUrl(context(), 'demo'), headers, call)).toMatchObject({
        content: [{ type: 'text', text: 'Echo: hi' }],
      });
      ledger.add(requestId, { type: 'tool.called', capability: 'echo', ...eventOf('demo', 'everything') });
    });

    it('K-3 a key belongs to no team: what only a team may use is denied', async () => {
      const { ledger, target } = context();
      const before = target.upstreams.ledger.received.length;
      const denied = {
        ...principal(),
        type: 'policy.denied',
        outcome: 'denied',
        reason: 'policy_denied',
        server: 'team',
        upstream: 'ledger',
      };
      await using client = await SDKS.v2.connect({
        url: serverUrl(context(), 'team'),
        apiKey: key.key,
        fetch: ledger.fetch(denied),
      });
      await expect(client.callTool('echo', { text: 'x' })).rejects.toMatchObject({
        code: 10403,
        data: { reason: 'policy_denied' },
      });
      expect(target.upstreams.ledger.received.slice(before).filter(({ body }) => body.includes('tools/call'))).toEqual([]);
    });

    it('K-4 a key does not open a server that it was not made for', async () => {
      await expect(
        SDKS.v1.connect({ url: serverUrl(context(), 'vault'), apiKey: key.key, fetch: context().ledger.fetch({}) }),
      ).rejects.toThrow(/key_not_for_server/);
    });

    it.each(Object.values(SDKS).map((sdk) => [sdk.id, sdk] as const))('K-5 %s: an open server takes anyone', async (_id, sdk) => {
      const event = {
        server: 'open',
        upstream: 'ledger',
        outcome: 'ok',
        principal_kind: 'anonymous',
        client_name: sdk.clientName,
      };
      await using client = await sdk.connect({ url: serverUrl(context(), 'open'), fetch: context().ledger.fetch(event) });
      expect(await client.toolNames()).toEqual(['echo']);
      expect(await client.callTool('echo', { text: 'hi' })).toBe('ledger: hi');
    });
  });
}
