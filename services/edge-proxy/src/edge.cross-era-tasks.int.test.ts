import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { eventually } from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { type LegacyTasksUpstream, startLegacyTasks } from './legacy-tasks.fixture.js';
import { type ModernTask, type ModernTasksUpstream, startModernTasks } from './modern-tasks.fixture.js';
import { exchange, openSession, type RawAnswer } from './raw-client.fixture.js';
import { textOf } from './sdk-client.fixture.js';

const TASKS = 'io.modelcontextprotocol/tasks';

let luna: LegacyTasksUpstream;
let nova: ModernTasksUpstream;
let edge: TestEdge;
/** Gives calls one second. */
let hasty: TestEdge;

async function publish(to: TestEdge): Promise<void> {
  const access = [{ everyone: true }];
  await to.publish({
    upstreams: [
      { name: 'luna', transport: { case: 'http', value: { url: luna.url } }, timeoutMs: 10_000 },
      { name: 'nova', transport: { case: 'http', value: { url: nova.upstream.url } }, timeoutMs: 10_000 },
    ],
    servers: [
      { slug: 'luna', sources: [{ upstream: 'luna', tools: ['*'], prefix: 'l_' }], access },
      { slug: 'nova', sources: [{ upstream: 'nova', tools: ['*'], prefix: 'n_' }], access },
    ],
  });
}

beforeAll(async () => {
  luna = await startLegacyTasks('luna');
  nova = await startModernTasks('nova');
  edge = await startTestEdge();
  hasty = await startTestEdge({ limits: { callLimitMs: 1_000 } });
  await publish(edge);
  await publish(hasty);
});

afterAll(async () => {
  await hasty[Symbol.asyncDispose]();
  await edge[Symbol.asyncDispose]();
  await nova[Symbol.asyncDispose]();
  await luna[Symbol.asyncDispose]();
});

const messageOf = ({ messages }: RawAnswer) => messages.at(-1) ?? {};

/** What a modern client sends. */
function modern(method: string, params: Readonly<Record<string, unknown>>, at: TestEdge = edge) {
  const capabilities = { elicitation: {}, extensions: { [TASKS]: {} } };
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': capabilities,
  };
  const name = (params.name ?? params.taskId) as string | undefined;
  return {
    path: '/mcp/luna',
    key: at.key,
    headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, ...(name !== undefined && { 'mcp-name': name }) },
    body: { jsonrpc: '2.0', id: 'c-1', method, params: { ...params, _meta } },
  };
}

const call = (name: string, more: object = {}) => modern('tools/call', { name, arguments: {}, ...more });

function nextRaw(): Promise<string> {
  const before = new Set(luna.running.keys());
  return eventually(() => [...luna.running.keys()].find((id) => !before.has(id)) ?? false);
}

const callsOf = (tool: string) => luna.received.filter(({ method, params }) => method === 'tools/call' && params?.name === tool);

describe('a modern client on a legacy upstream with tasks', () => {
  it('XL-1 waits for a tool that is always a task, and gets a plain result', async () => {
    const raw = nextRaw();
    const answering = exchange(edge.url, call('l_required'));
    luna.running.get(await raw)?.('done');
    const { result } = messageOf(await answering);
    expect(result).toMatchObject({ resultType: 'complete', content: [{ type: 'text', text: 'required: done' }] });
    expect(JSON.stringify(result)).not.toContain('related-task');
    expect(callsOf('required').at(-1)?.params).toMatchObject({ task: {} });
  });

  it('XL-2 is asked what the task asks, as in any call', async () => {
    const { result } = messageOf(await exchange(edge.url, call('l_asking')));
    expect(result).toMatchObject({ resultType: 'input_required' });
    const [key = ''] = Object.keys(result?.inputRequests as object);
    expect(JSON.stringify(result?.inputRequests)).not.toContain('related-task');
    const content = { who: 'me' };
    const retry = { inputResponses: { [key]: { action: 'accept', content } }, requestState: result?.requestState };
    const second = messageOf(await exchange(edge.url, call('l_asking', retry))).result;
    expect(second).toMatchObject({
      resultType: 'complete',
      content: [{ text: `asking: ${JSON.stringify({ action: 'accept', content })}` }],
    });
  });

  it('XL-3 that goes away cancels the task', async () => {
    const raw = nextRaw();
    const { path, key, headers, body } = call('l_required');
    const away = new AbortController();
    const answering = fetch(new URL(path, edge.url), {
      method: 'POST',
      headers: {
        ...headers,
        authorization: `Bearer ${key}`,
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
      signal: away.signal,
    });
    answering.catch(() => undefined);
    const id = await raw;
    await eventually(() => luna.received.some(({ method, params }) => method === 'tasks/result' && params?.taskId === id));
    away.abort();
    await eventually(async () => (await luna.store.getTask(id))?.status === 'cancelled');
  });

  it('XL-4 waits as long as calls may take', async () => {
    const raw = nextRaw();
    const { error } = messageOf(await exchange(hasty.url, modern('tools/call', { name: 'l_required', arguments: {} }, hasty)));
    expect(error).toMatchObject({ data: { reason: 'upstream_timeout', upstream: 'luna' } });
    const id = await raw;
    await eventually(async () => (await luna.store.getTask(id))?.status === 'cancelled');
  });

  it('XL-5 calls a tool plainly that can do without; its own wish for a task stays behind', async () => {
    const { result } = messageOf(await exchange(edge.url, call('l_plain', { task: { ttl: 1 } })));
    expect(result).toMatchObject({ content: [{ text: 'plain' }] });
    expect(callsOf('plain').at(-1)?.params).not.toHaveProperty('task');
  });

  it('XL-6 is told nothing of tasks', async () => {
    const listed = messageOf(await exchange(edge.url, modern('tools/list', {}))).result;
    const tools = listed?.tools as { name: string }[];
    expect(tools.map(({ name }) => name)).toEqual(['l_job', 'l_required', 'l_asking', 'l_plain']);
    expect(JSON.stringify(tools)).not.toContain('taskSupport');
    const { capabilities } = messageOf(await exchange(edge.url, modern('server/discover', {}))).result as {
      capabilities: object;
    };
    expect(capabilities).not.toHaveProperty('tasks');
    expect(capabilities).not.toHaveProperty('extensions');
  });
});

async function connect(at: TestEdge = edge): Promise<{ client: Client } & AsyncDisposable> {
  const client = new Client({ name: 'tasks', version: '1' }, { capabilities: { elicitation: { form: {} } } });
  const requestInit = { headers: { authorization: `Bearer ${at.key}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL('/mcp/nova', at.url), { requestInit }));
  return { client, [Symbol.asyncDispose]: () => client.close() };
}

function nextTask(): Promise<ModernTask> {
  const before = new Set(nova.tasks.keys());
  return eventually(() => [...nova.tasks.values()].find(({ taskId }) => !before.has(taskId)) ?? false);
}

const isLookedAt = ({ taskId }: ModernTask) =>
  eventually(() => nova.received('tasks/get').some(({ params }) => params.taskId === taskId));

describe('a legacy client on a modern upstream with tasks', () => {
  it('XM-1 waits for a tool that is always a task, and gets a plain result', async () => {
    await using one = await connect();
    const next = nextTask();
    const answering = one.client.callTool({ name: 'n_required', arguments: {} });
    const task = await next;
    await isLookedAt(task);
    task.more = { result: { resultType: 'complete', content: [{ type: 'text', text: 'done' }], x: 1.0 } };
    task.status = 'completed';
    expect(await answering).toEqual({ content: [{ type: 'text', text: 'done' }], x: 1 });
    const looked = nova.received('tasks/get').at(-1);
    expect(looked?.headers).toMatchObject({ 'mcp-method': 'tasks/get', 'mcp-name': task.taskId });
  });

  it('XM-2 is asked what the task asks, once', async () => {
    await using one = await connect();
    let asked = 0;
    one.client.setRequestHandler(ElicitRequestSchema, () => {
      asked += 1;
      return { action: 'accept' as const, content: { who: 'me' } };
    });
    const result = await one.client.callTool({ name: 'n_asking', arguments: {} });
    expect([textOf(result), asked]).toEqual([JSON.stringify({ action: 'accept', content: { who: 'me' } }), 1]);
  });

  it('XM-3 gets the error of a task that failed', async () => {
    await using one = await connect();
    const next = nextTask();
    const answering = one.client.callTool({ name: 'n_required', arguments: {} });
    answering.catch(() => undefined);
    const task = await next;
    task.more = { error: { code: -32603, message: 'It broke.' } };
    task.status = 'failed';
    await expect(answering).rejects.toMatchObject({ code: -32603, message: expect.stringContaining('It broke.') as string });
  });

  it.each<readonly [id: string, status: ModernTask['status'], more: object, says: RegExp]>([
    ['XM-4 that the upstream cancelled', 'cancelled', {}, /cancelled the task/],
    [
      'XM-5 whose result is a tool’s error',
      'completed',
      { result: { resultType: 'complete', content: [{ type: 'text', text: 'no' }], isError: true } },
      /no/,
    ],
  ])('%s is told as a failure of the tool', async (_id, status, more, says) => {
    await using one = await connect();
    const next = nextTask();
    const answering = one.client.callTool({ name: 'n_required', arguments: {} });
    const task = await next;
    task.more = { ...more };
    task.status = status;
    const result = await answering;
    expect([result.isError, textOf(result)]).toEqual([true, expect.stringMatching(says)]);
  });

  it('XM-6 that cancels its call cancels the task', async () => {
    await using one = await connect();
    const next = nextTask();
    const abort = new AbortController();
    const answering = one.client.callTool({ name: 'n_required', arguments: {} }, undefined, { signal: abort.signal });
    answering.catch(() => undefined);
    const task = await next;
    await isLookedAt(task);
    abort.abort();
    await expect(answering).rejects.toThrow();
    await eventually(() => task.status === 'cancelled');
  });

  it('XM-7 waits as long as calls may take', async () => {
    await using one = await connect(hasty);
    const next = nextTask();
    await expect(one.client.callTool({ name: 'n_required', arguments: {} })).rejects.toMatchObject({
      data: { reason: 'upstream_timeout', upstream: 'nova' },
    });
    const task = await next;
    await eventually(() => task.status === 'cancelled');
  });

  it('XM-8 is told of a task that its upstream has forgotten', async () => {
    await using one = await connect();
    const next = nextTask();
    const answering = one.client.callTool({ name: 'n_required', arguments: {} });
    nova.tasks.delete((await next).taskId);
    const result = await answering;
    expect([result.isError, textOf(result)]).toEqual([true, 'nova no longer knows the task of this call.']);
  });

  it('XM-9 calls a tool plainly that can do without', async () => {
    await using one = await connect();
    expect(textOf(await one.client.callTool({ name: 'n_job', arguments: {} }))).toBe('job, at once');
    expect(JSON.stringify(nova.received('tools/call').at(-1)?.params)).not.toContain(TASKS);
  });

  it('XM-10 cannot make a call a task, and is told nothing of tasks and extensions', async () => {
    const session = await openSession(edge.url, '/mcp/nova', edge.key);
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'n_job', arguments: {}, task: {} } };
    const { error } = messageOf(await exchange(edge.url, { path: '/mcp/nova', key: edge.key, session, body }));
    expect(error).toMatchObject({ code: -32601, data: { reason: 'task_not_possible', upstream: 'nova' } });
    await using one = await connect();
    expect(one.client.getServerCapabilities()).not.toHaveProperty('tasks');
    expect(one.client.getServerCapabilities()).not.toHaveProperty('extensions');
  });
});
