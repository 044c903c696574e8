import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import {
  eventually,
  type ModernUpstream,
  startLegacyUpstream,
  startModernUpstream,
  type TestUpstream,
} from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';

let modern: ModernUpstream;
let both: ModernUpstream;
let legacy: TestUpstream;
let edge: TestEdge;

const everything = { tools: ['*'], prompts: ['*'], resources: ['*'] };
const everyone = [{ everyone: true }];

beforeAll(async () => {
  modern = await startModernUpstream({ name: 'nova' });
  both = await startModernUpstream({ name: 'duo', alsoLegacy: true });
  legacy = await startLegacyUpstream({ name: 'alpha' });
  edge = await startTestEdge();
  const http = (name: string, url: string) => ({ name, transport: { case: 'http' as const, value: { url } }, timeoutMs: 10_000 });
  await edge.publish({
    upstreams: [
      http('nova', modern.url),
      http('duo', both.url),
      http('alpha', legacy.url),
      http('away', 'http://127.0.0.1:9/mcp'),
    ],
    servers: [
      { slug: 'new', sources: [{ upstream: 'nova', prefix: 'n__', ...everything }], access: everyone },
      { slug: 'duo', sources: [{ upstream: 'duo', ...everything }], access: everyone },
      { slug: 'old', sources: [{ upstream: 'alpha', ...everything }], access: everyone },
      {
        slug: 'old-and-away',
        sources: [
          { upstream: 'away', prefix: 'w__', ...everything },
          { upstream: 'alpha', ...everything },
        ],
        access: everyone,
      },
      {
        slug: 'mixed',
        sources: [
          { upstream: 'nova', ...everything },
          { upstream: 'alpha', prefix: 'a__', ...everything },
        ],
        access: everyone,
      },
    ],
  });
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await Promise.all([modern, both, legacy].map((upstream) => upstream[Symbol.asyncDispose]()));
});

async function connect(slug: string, mode: 'auto' | 'legacy' = 'auto'): Promise<{ client: Client } & AsyncDisposable> {
  const client = new Client({ name: 'v2-client', version: '2.0.0' }, { versionNegotiation: { mode } });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${edge.url}/mcp/${slug}`), {
      requestInit: { headers: { authorization: `Bearer ${edge.key}` } },
    }),
  );
  return { client, [Symbol.asyncDispose]: () => client.close() };
}

const text = (result: unknown) => (result as { content: { text: string }[] }).content.map((part) => part.text).join();

describe('a modern client (SDK v2) on a modern upstream', () => {
  it('MM-1 discovers, lists and calls without a session', async () => {
    await using connection = await connect('new');
    const { client } = connection;
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['n__echo', 'n__fail', 'n__slow']);
    expect(text(await client.callTool({ name: 'n__echo', arguments: { text: 'hi' } }))).toBe('nova: hi');
    expect(await client.callTool({ name: 'n__fail', arguments: {} })).toMatchObject({ isError: true });
    const event = await edge.event(({ type, capability }) => type === 'tool.called' && capability === 'n__echo');
    expect(event).toMatchObject({ era: 'modern', revision: '2026-07-28', upstream_capability: 'echo', outcome: 'ok' });
  });

  it('MM-2 recomputes the mirrored header fields from the upstream’s own names', async () => {
    await using connection = await connect('new');
    const before = modern.received.length;
    await connection.client.callTool({ name: 'n__echo', arguments: { text: 'x' } });
    const call = modern.received.slice(before).find(({ body }) => body.includes('tools/call'));
    expect(call?.headers).toMatchObject({ 'mcp-method': 'tools/call', 'mcp-name': 'echo', 'mcp-protocol-version': '2026-07-28' });
    expect(call?.headers['mcp-session-id']).toBeUndefined();
    expect(call?.headers.authorization).toBeUndefined();
  });

  it('MM-3 gets prompts, reads resources, relays progress', async () => {
    await using connection = await connect('new');
    const { client } = connection;
    expect(await client.getPrompt({ name: 'n__greet', arguments: { who: 'Ana' } })).toMatchObject({
      messages: [{ content: { text: 'nova greets Ana' } }],
    });
    expect(await client.readResource({ uri: 'test://counter' })).toMatchObject({ contents: [{ text: 'nova counter' }] });
    const progress: number[] = [];
    const result = await client.callTool(
      { name: 'n__slow', arguments: { steps: 3 } },
      { onprogress: ({ progress: step }) => void progress.push(step) },
    );
    expect(text(result)).toBe('done');
    expect(progress).toEqual([1, 2, 3]);
  });

  it('MM-4 passes list changes on to those that listen', async () => {
    const heard: string[] = [];
    const client = new Client(
      { name: 'v2-client', version: '2.0.0' },
      {
        versionNegotiation: { mode: 'auto' },
        listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: () => void heard.push('tools') } },
      },
    );
    await client.connect(
      new StreamableHTTPClientTransport(new URL(`${edge.url}/mcp/new`), {
        requestInit: { headers: { authorization: `Bearer ${edge.key}` } },
      }),
    );
    await eventually(() => {
      modern.toolsChanged();
      return heard.length > 0;
    });
    await client.close();
  });

  it('MM-5 serves either era where the upstream speaks both', async () => {
    for (const mode of ['auto', 'legacy'] as const) {
      await using connection = await connect('duo', mode);
      expect(text(await connection.client.callTool({ name: 'echo', arguments: { text: mode } }))).toBe(`duo: ${mode}`);
    }
  });
});

describe('clients and upstreams of different eras', () => {
  it('XE-1 a modern client stays modern where all upstreams are legacy', async () => {
    await using connection = await connect('old');
    expect(connection.client.getNegotiatedProtocolVersion()).toBe('2026-07-28');
    expect(text(await connection.client.callTool({ name: 'echo', arguments: { text: 'hi' } }))).toBe('alpha: hi');
  });

  it('XE-2 a legacy client uses a modern upstream', async () => {
    await using connection = await connect('new', 'legacy');
    expect(text(await connection.client.callTool({ name: 'n__echo', arguments: { text: 'hi' } }))).toBe('nova: hi');
  });

  it('XE-3 a list holds what upstreams of either era have', async () => {
    await using connection = await connect('mixed');
    const { tools } = await connection.client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(['echo', 'a__echo']));
    expect(tools.map(({ name }) => name)).not.toContain('gateway_status');
    expect(text(await connection.client.callTool({ name: 'a__echo', arguments: { text: 'x' } }))).toBe('alpha: x');
  });

  it('XE-4 an upstream that is away does not hide the others', async () => {
    await using connection = await connect('old-and-away');
    expect(text(await connection.client.callTool({ name: 'echo', arguments: { text: 'hi' } }))).toBe('alpha: hi');
    const { tools } = await connection.client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(['echo', 'gateway_status']));
  });
});
