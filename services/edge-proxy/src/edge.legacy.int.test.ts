import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { eventually, startLegacyUpstream, type TestUpstream } from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';

let upstream: TestUpstream;
let edge: TestEdge;

beforeAll(async () => {
  upstream = await startLegacyUpstream({ name: 'alpha' });
  edge = await startTestEdge();
  await edge.publish({
    upstreams: [{ name: 'alpha', transport: { case: 'http', value: { url: upstream.url } }, timeoutMs: 10_000 }],
    servers: [
      {
        slug: 'work',
        sources: [{ upstream: 'alpha', prefix: 'a__', tools: ['*'], deny: ['delete_*'], prompts: ['*'], resources: ['*'] }],
        access: [{ everyone: true }],
      },
    ],
  });
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

async function connect(): Promise<{ client: Client; transport: StreamableHTTPClientTransport } & AsyncDisposable> {
  const client = new Client({ name: 'v1-client', version: '1.2.3' });
  const transport = new StreamableHTTPClientTransport(new URL(`${edge.url}/mcp/work`), {
    requestInit: { headers: { authorization: `Bearer ${edge.key}` } },
  });
  await client.connect(transport);
  return { client, transport, [Symbol.asyncDispose]: () => client.close() };
}

const text = (result: unknown) => (result as { content: { text: string }[] }).content.map((part) => part.text).join();

describe('a legacy client (SDK v1) on a legacy upstream', () => {
  it('LL-1 shakes hands as the gateway, with the upstream’s capabilities and instructions', async () => {
    await using connection = await connect();
    expect(connection.client.getServerVersion()).toMatchObject({ name: 'switchyard' });
    expect(connection.client.getServerCapabilities()).toEqual({
      tools: { listChanged: true },
      prompts: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      completions: {},
      logging: {},
    });
    expect(connection.client.getInstructions()).toBe('Use alpha well.');
  });

  it('LL-2 lists tools under their prefix, without what the source denies', async () => {
    await using connection = await connect();
    const { tools } = await connection.client.listTools();
    const names = tools.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['a__echo', 'a__fail', 'a__slow']));
    expect(names).not.toContain('a__delete_all');
    expect(tools.find(({ name }) => name === 'a__echo')).toMatchObject({
      description: 'Gives back what it is given',
      inputSchema: { type: 'object', required: ['text'] },
    });
  });

  it('LL-3 calls tools, and tells results from errors', async () => {
    await using connection = await connect();
    expect(text(await connection.client.callTool({ name: 'a__echo', arguments: { text: 'hi' } }))).toBe('alpha: hi');
    expect(await connection.client.callTool({ name: 'a__fail' })).toMatchObject({ isError: true });
    const called = await edge.event(
      ({ type, outcome, capability }) => type === 'tool.called' && outcome === 'error' && capability === 'a__fail',
    );
    expect(called).toMatchObject({
      principal_kind: 'service',
      principal_name: 'test',
      client_name: 'v1-client',
      client_version: '1.2.3',
      server: 'work',
      upstream: 'alpha',
      upstream_capability: 'fail',
      era: 'legacy',
      revision: '2025-11-25',
      http_status: 200,
    });
    const hop = await edge.event(({ type, request_id }) => type === 'proxy.hop' && request_id === called.request_id);
    expect(hop).toMatchObject({ upstream: 'alpha', method: 'tools/call', outcome: 'ok', trace_id: called.trace_id });
  });

  it('LL-4 refuses a denied tool without asking the upstream', async () => {
    await using connection = await connect();
    const before = upstream.received.length;
    await expect(connection.client.callTool({ name: 'a__delete_all' })).rejects.toMatchObject({
      code: 10403,
      data: { reason: 'policy_denied' },
    });
    expect(upstream.received.slice(before).filter(({ body }) => body.includes('delete_all'))).toEqual([]);
    expect(await edge.event(({ type, capability }) => type === 'policy.denied' && capability === 'a__delete_all')).toMatchObject({
      outcome: 'denied',
      detail: { because: 'denied_by_source' },
    });
  });

  it('LL-5 gets prompts, completes their arguments, reads resources and templates', async () => {
    await using connection = await connect();
    const { client } = connection;
    expect((await client.listPrompts()).prompts.map(({ name }) => name)).toEqual(['a__greet']);
    expect(await client.getPrompt({ name: 'a__greet', arguments: { who: 'Ana' } })).toMatchObject({
      messages: [{ content: { text: 'alpha greets Ana' } }],
    });
    expect(
      await client.complete({ ref: { type: 'ref/prompt', name: 'a__greet' }, argument: { name: 'who', value: 'A' } }),
    ).toMatchObject({ completion: { values: ['Ana'] } });
    expect((await client.listResources()).resources.map(({ uri }) => uri)).toEqual(['test://counter']);
    expect((await client.listResourceTemplates()).resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual([
      'test://items/{id}',
    ]);
    expect(await client.readResource({ uri: 'test://items/7' })).toMatchObject({ contents: [{ text: 'alpha item 7' }] });
  });

  it('LL-6 relays progress under the client’s own token, and log messages at the session’s level', async () => {
    await using connection = await connect();
    const { client } = connection;
    const logs: unknown[] = [];
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void logs.push(params.data));
    const progress: number[] = [];
    const result = await client.callTool({ name: 'a__slow', arguments: { steps: 3 } }, undefined, {
      onprogress: ({ progress: step }) => void progress.push(step),
    });
    expect(text(result)).toBe('done');
    expect(progress).toEqual([1, 2, 3]);
    expect(logs).toEqual(['step 1', 'step 2', 'step 3']);
    await client.setLoggingLevel('error');
    await client.callTool({ name: 'a__slow', arguments: { steps: 1 } });
    expect(logs).toHaveLength(3);
  });

  it('LL-7 passes a cancellation on', async () => {
    await using connection = await connect();
    const abort = new AbortController();
    const before = upstream.received.length;
    const call = connection.client.callTool({ name: 'a__hang' }, undefined, { signal: abort.signal });
    await eventually(() => upstream.received.slice(before).some(({ body }) => body.includes('"hang"')));
    abort.abort('enough');
    await expect(call).rejects.toThrow();
    expect(await edge.event(({ type, capability }) => type === 'tool.called' && capability === 'a__hang')).toMatchObject({
      outcome: 'cancelled',
    });
    await eventually(() => upstream.received.slice(before).some(({ body }) => body.includes('notifications/cancelled')));
  });

  it('LL-8 relays list_changed and resource updates on the session’s stream', async () => {
    await using connection = await connect();
    const { client } = connection;
    const heard: string[] = [];
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => void heard.push('tools'));
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void heard.push(params.uri));
    await client.subscribeResource({ uri: 'test://counter' });
    await eventually(() => upstream.received.some(({ method }) => method === 'GET'));
    await eventually(async () => {
      await upstream.touchResource();
      return heard.includes('test://counter');
    });
    upstream.addTool('newcomer');
    await eventually(() => heard.includes('tools'));
    expect(text(await client.callTool({ name: 'a__newcomer' }))).toBe('newcomer');
  });

  it('LL-9 survives an upstream that has forgotten its sessions: one new handshake, one replay', async () => {
    await using connection = await connect();
    await connection.client.callTool({ name: 'a__echo', arguments: { text: 'one' } });
    upstream.forgetSessions();
    const before = upstream.received.length;
    expect(text(await connection.client.callTool({ name: 'a__echo', arguments: { text: 'two' } }))).toBe('alpha: two');
    const bodies = upstream.received.slice(before).map(({ body }) => body);
    expect(bodies.filter((body) => body.includes('"initialize"'))).toHaveLength(1);
    expect(bodies.filter((body) => body.includes('"two"'))).toHaveLength(2);
  });

  it('LL-10 ends the session with DELETE, upstream too; afterwards it is unknown', async () => {
    await using connection = await connect();
    const { transport, client } = connection;
    await client.callTool({ name: 'a__echo', arguments: { text: 'x' } });
    const before = upstream.received.length;
    await transport.terminateSession();
    await eventually(() => upstream.received.slice(before).some(({ method }) => method === 'DELETE'));
    await edge.event(({ type }) => type === 'session.closed');
  });

  it('LL-11 answers ping', async () => {
    await using connection = await connect();
    expect(await connection.client.ping()).toEqual({});
  });

  it('LL-12 passes nothing of the client’s to the upstream but the message: no token, no session id, no Origin', async () => {
    await using connection = await connect();
    const before = upstream.received.length;
    await connection.client.callTool({ name: 'a__echo', arguments: { text: 'x' } });
    for (const { headers } of upstream.received.slice(before)) {
      expect(headers.authorization).toBeUndefined();
      expect(headers['mcp-session-id']).not.toBe(connection.transport.sessionId);
      expect(headers['x-request-id']).toBeDefined();
      expect(headers.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
    }
    expect(JSON.stringify(upstream.received)).not.toContain(edge.key);
  });
});
