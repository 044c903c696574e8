import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema, ElicitRequestSchema, TaskStatusNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { eventually } from '@switchyard/testing';
import type { TestEdge } from './edge.fixture.js';
import { type LegacyTasksUpstream, startLegacyTasks } from './legacy-tasks.fixture.js';
import { callOf, exchange, INITIALIZE, openSession, type RawAnswer } from './raw-client.fixture.js';
import { textOf } from './sdk-client.fixture.js';
import { startTasksEdges } from './tasks-edges.fixture.js';

const RELATED = 'io.modelcontextprotocol/related-task';

let luna: LegacyTasksUpstream;
let edge: TestEdge;
let beside: TestEdge;

const undo = new AsyncDisposableStack();
const tasks = () => ({ name: 'luna', url: luna.url, prefix: 'l_' });

beforeAll(async () => {
  luna = undo.use(await startLegacyTasks('luna'));
  ({ edge, beside } = undo.use(await startTasksEdges(tasks())));
});
afterAll(() => undo.disposeAsync());

async function connect(): Promise<{ client: Client } & AsyncDisposable> {
  const client = new Client({ name: 'tasks', version: '1' }, { capabilities: { elicitation: { form: {} } } });
  const requestInit = { headers: { authorization: `Bearer ${edge.key}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL('/mcp/one', edge.url), { requestInit }));
  await client.listTools();
  return { client, [Symbol.asyncDispose]: () => client.close() };
}

/** Calls a tool as a task and follows it to its end. */
async function follow(client: Client, name: string, created: (taskId: string) => void) {
  const statuses: string[] = [];
  for await (const message of client.experimental.tasks.callToolStream({ name, arguments: {} }, CallToolResultSchema, {
    task: {},
  })) {
    if (message.type === 'taskCreated') created(message.task.taskId);
    else if (message.type === 'taskStatus') statuses.push(message.task.status);
    else if (message.type === 'result') return { statuses, result: message.result };
    else throw message.error;
  }
  throw new Error('the stream ended without a result');
}

const lastRaw = () => [...luna.running.keys()].at(-1) ?? '';
const finish = (text: string) => luna.running.get(lastRaw())?.(text);
/** The upstream's own id of the next task that begins. */
function nextRaw(): Promise<string> {
  const before = new Set(luna.running.keys());
  return eventually(() => [...luna.running.keys()].find((id) => !before.has(id)) ?? false);
}

const eventOf = ({ headers }: RawAnswer, at: TestEdge = edge) =>
  at.event(({ type, request_id }) => type !== 'proxy.hop' && request_id === headers['x-request-id']);

describe('tasks of a legacy upstream, for a legacy client (MCP 2025-11-25, "Tasks")', () => {
  it('LT-1 are announced as the gateway has them: no lists, for nobody could tell whose they are', async () => {
    await using one = await connect();
    expect(one.client.getServerCapabilities()).toMatchObject({ tasks: { cancel: {}, requests: { tools: { call: {} } } } });
    expect(one.client.getServerCapabilities()?.tasks).not.toHaveProperty('list');
    const { tools } = await one.client.listTools();
    const support = Object.fromEntries(tools.map(({ name, execution }) => [name, execution?.taskSupport]));
    expect(support).toMatchObject({ l_job: 'optional', l_required: 'required', o_required: 'required', l_plain: 'forbidden' });
    await expect(one.client.experimental.tasks.listTasks()).rejects.toThrow(/list/);
  });

  it('LT-2 a call becomes a task under an id of the gateway’s own, and its result comes', async () => {
    await using one = await connect();
    const heard: string[] = [];
    one.client.setNotificationHandler(
      TaskStatusNotificationSchema,
      ({ params }) => void heard.push(`${params.taskId} ${params.status}`),
    );
    let taskId = '';
    const { result, statuses } = await follow(one.client, 'l_required', (id) => {
      taskId = id;
      finish('done');
    });
    expect(taskId).toMatch(/^[\w-]{40,}$/);
    expect(textOf(result)).toBe('required: done');
    expect(result._meta).toEqual({ [RELATED]: { taskId } });
    expect(statuses.at(-1)).toBe('completed');
    await eventually(() => heard.includes(`${taskId} completed`));
    expect(heard.filter((text) => !text.startsWith(taskId))).toEqual([]);
  });

  it('LT-3 what the task asks, the client is asked under its own id of the task', async () => {
    await using one = await connect();
    const related: unknown[] = [];
    one.client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
      related.push(params._meta?.[RELATED]);
      return { action: 'accept' as const, content: { who: 'me' } };
    });
    let taskId = '';
    const { result } = await follow(one.client, 'l_asking', (id) => (taskId = id));
    expect(textOf(result)).toBe(`asking: ${JSON.stringify({ action: 'accept', content: { who: 'me' } })}`);
    expect(related).toEqual([{ taskId }]);
  });

  it('LT-4 can be looked at and cancelled', async () => {
    await using one = await connect();
    const created = await one.client.request(
      { method: 'tools/call', params: { name: 'l_job', arguments: {}, task: { ttl: 30_000 } } },
      CallToolResultSchema.passthrough(),
    );
    const { taskId, ttl } = created.task as { taskId: string; ttl: number };
    const raw = lastRaw();
    expect([taskId === raw, ttl]).toEqual([false, 30_000]);
    expect(await one.client.experimental.tasks.getTask(taskId)).toMatchObject({ taskId, status: 'working' });
    expect(await one.client.experimental.tasks.cancelTask(taskId)).toMatchObject({ taskId, status: 'cancelled' });
    expect(await luna.store.getTask(raw)).toMatchObject({ status: 'cancelled' });
  });
});

interface Raw {
  readonly session: string;
  readonly at?: TestEdge;
  readonly key?: string;
  readonly slug?: string;
}

const post = (method: string, params: object, { session, at = edge, key = edge.key, slug = 'one' }: Raw) =>
  exchange(at.url, { path: `/mcp/${slug}`, key, session, body: { jsonrpc: '2.0', id: 7, method, params } });
const messageOf = ({ messages }: RawAnswer) => messages.at(-1) ?? {};

async function begin(raw: Raw): Promise<{ taskId: string; raw: string; answer: RawAnswer }> {
  const next = nextRaw();
  const answer = await post('tools/call', { name: 'l_job', arguments: {}, task: {} }, raw);
  const { task } = messageOf(answer).result as { task: { taskId: string } };
  return { taskId: task.taskId, raw: await next, answer };
}

describe('the ids of such tasks', () => {
  it('LT-5 are served by any edge, and recorded with upstream and tool', async () => {
    const session = await openSession(edge.url, '/mcp/one', edge.key);
    const { taskId, answer } = await begin({ session });
    const seen = await post('tasks/get', { taskId }, { session, at: beside });
    expect(messageOf(seen).result).toMatchObject({ taskId, status: 'working' });
    const made = await eventOf(answer);
    expect(made).toMatchObject({ type: 'tool.called', upstream: 'luna', capability: 'l_job', detail: { result: 'task' } });
    const used = await eventOf(seen, beside);
    expect(used).toMatchObject({ type: 'task.used', method: 'tasks/get', outcome: 'ok', upstream: 'luna', capability: 'l_job' });
    const cancelled = await post('tasks/cancel', { taskId }, { session, at: beside });
    expect(messageOf(cancelled).result).toMatchObject({ taskId, status: 'cancelled' });
  });

  it.each<readonly [id: string, change: (own: { taskId: string; raw: string }) => Promise<{ taskId: string } & Partial<Raw>>]>([
    ['LI-made-up', () => Promise.resolve({ taskId: '0123456789abcdef' })],
    ['LI-raw', ({ raw }) => Promise.resolve({ taskId: raw })],
    [
      'LI-other-server',
      async ({ taskId }) => ({ taskId, slug: 'two', session: await openSession(edge.url, '/mcp/two', edge.key) }),
    ],
    [
      'LI-other-caller',
      async ({ taskId }) => {
        const key = await edge.mint({ name: 'other', servers: ['*'] });
        return { taskId, key, session: await openSession(edge.url, '/mcp/one', key) };
      },
    ],
  ])('%s are answered alike where they are not the caller’s (E16)', async (id, change) => {
    const session = await openSession(edge.url, '/mcp/one', edge.key);
    const { taskId, ...raw } = await change(await begin({ session }));
    for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
      const before = luna.received.length;
      const answer = await post(method, { taskId }, { session, ...raw });
      const { code, message, data } = messageOf(answer).error ?? {};
      expect([id, method, answer.status, code, message, data?.reason]).toEqual([
        id,
        method,
        200,
        -32602,
        'You have no such task here. Call the tool again for another.',
        'task_unknown',
      ]);
      expect(luna.received.length).toBe(before);
    }
  });

  it('LT-6 an upstream that has forgotten its session no longer knows the task, and says so', async () => {
    const session = await openSession(edge.url, '/mcp/one', edge.key);
    const { taskId } = await begin({ session });
    luna.forgetSessions();
    expect(messageOf(await post('tasks/get', { taskId }, { session })).error).toMatchObject({ code: -32602 });
  });

  it('LT-7 an expired task is the upstream’s to tell', async () => {
    const session = await openSession(edge.url, '/mcp/one', edge.key);
    const { result } = messageOf(await post('tools/call', { name: 'l_job', arguments: {}, task: { ttl: 1 } }, { session }));
    const { taskId } = (result as { task: { taskId: string } }).task;
    const gone = await eventually(async () => {
      const { error } = messageOf(await post('tasks/get', { taskId }, { session }));
      return error ?? false;
    });
    expect(gone).toMatchObject({ code: -32602 });
    expect(gone.data?.reason).toBeUndefined();
  });

  it.each(['tasks/list', 'tasks/update'])('LT-8 %s is not taken', async (method) => {
    const session = await openSession(edge.url, '/mcp/one', edge.key);
    const { error } = messageOf(await post(method, { taskId: 'x' }, { session }));
    expect(error).toMatchObject({ code: -32601, data: { reason: 'method_unknown' } });
  });
});

describe('a client of a revision without tasks, on an upstream that has them', () => {
  const older = { ...INITIALIZE, params: { ...INITIALIZE.params, protocolVersion: '2025-06-18' } };
  async function openOlder(): Promise<{ session: string; opened: RawAnswer }> {
    const opened = await exchange(edge.url, { path: '/mcp/one', key: edge.key, body: older });
    return { session: String(opened.headers['mcp-session-id']), opened };
  }

  it('LO-1 is not told of them', async () => {
    const { session, opened } = await openOlder();
    expect(messageOf(opened).result?.capabilities).not.toHaveProperty('tasks');
    const { result } = messageOf(await post('tools/list', {}, { session }));
    const tools = result?.tools as { name: string; execution?: unknown }[];
    expect(tools.map(({ name }) => name)).toContain('l_required');
    expect(tools.filter(({ execution }) => execution !== undefined)).toEqual([]);
  });

  it('LO-2 uses a tool that is always a task as any other', async () => {
    const { session } = await openOlder();
    const raw = nextRaw();
    const answering = exchange(edge.url, { path: '/mcp/one', key: edge.key, session, body: callOf('l_required') });
    luna.running.get(await raw)?.('waited for');
    const { result } = messageOf(await answering);
    expect(result).toEqual({ content: [{ type: 'text', text: 'required: waited for' }], _meta: {} });
  });

  it.each(['tasks/get', 'tasks/result', 'tasks/cancel'])('LO-3 cannot use %s', async (method) => {
    const { session } = await openOlder();
    expect(messageOf(await post(method, { taskId: 'x' }, { session })).error).toMatchObject({ code: -32601 });
  });

  it('LO-4 cannot make a call a task', async () => {
    const { session } = await openOlder();
    const answer = await post('tools/call', { name: 'l_job', arguments: {}, task: {} }, { session });
    expect(messageOf(answer).error).toMatchObject({ code: -32601, data: { reason: 'task_not_possible', upstream: 'luna' } });
  });
});
