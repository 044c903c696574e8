import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { type ModernTasksUpstream, startModernTasks } from './modern-tasks.fixture.js';
import { exchange, type RawAnswer } from './raw-client.fixture.js';
import { publishTasks, startTasksEdges } from './tasks-edges.fixture.js';

const TASKS = 'io.modelcontextprotocol/tasks';
const KNOWS_TASKS = { elicitation: {}, extensions: { [TASKS]: {} } };

let nova: ModernTasksUpstream;
let edge: TestEdge;
let beside: TestEdge;

const undo = new AsyncDisposableStack();
const tasks = () => ({ name: 'nova', url: nova.upstream.url, prefix: 'n_' });

beforeAll(async () => {
  nova = undo.use(await startModernTasks('nova'));
  ({ edge, beside } = undo.use(await startTasksEdges(tasks())));
});
afterAll(() => undo.disposeAsync());

interface Sent {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly capabilities?: object;
  readonly slug?: string;
  readonly key?: string;
  readonly at?: TestEdge;
  readonly name?: string | undefined;
}

function send(method: string, { params = {}, capabilities = KNOWS_TASKS, slug = 'one', key, at = edge, ...sent }: Sent) {
  const name = 'name' in sent ? sent.name : ((params.taskId ?? params.name) as string | undefined);
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': capabilities,
  };
  const mirrored = name === undefined ? undefined : { 'mcp-name': name };
  return exchange(at.url, {
    path: `/mcp/${slug}`,
    key: key ?? edge.key,
    headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, ...mirrored },
    body: { jsonrpc: '2.0', id: 'c-1', method, params: { ...params, _meta } },
  });
}

const call = (tool: string, sent: Sent = {}) =>
  send('tools/call', { ...sent, params: { name: tool, arguments: {}, ...sent.params } });
const resultOf = ({ messages, text }: RawAnswer) => {
  const [message] = messages;
  if (message?.result === undefined) throw new Error(`no result: ${text}`);
  return message.result;
};
const errorOf = ({ messages }: RawAnswer) => messages[0]?.error;

const eventOf = ({ headers }: RawAnswer, at: TestEdge = edge) =>
  at.event(({ type, request_id }) => type !== 'proxy.hop' && request_id === headers['x-request-id']);

/** Calls a tool that becomes a task. @returns its id, and the upstream's */
async function begin(tool = 'n_job', sent: Sent = {}): Promise<{ taskId: string; raw: string }> {
  const { taskId } = resultOf(await call(tool, sent));
  return { taskId: String(taskId), raw: [...nova.tasks.keys()].at(-1) ?? '' };
}

const get = (taskId: string, sent: Sent = {}) => send('tasks/get', { ...sent, params: { taskId } });

describe('tasks of a modern upstream, for a modern client (the extension "Tasks")', () => {
  it('MT-1 a call may become a task, whose id is the gateway’s own; all else is the upstream’s text', async () => {
    const answer = await call('n_job');
    const raw = [...nova.tasks.keys()].at(-1) ?? '';
    const { taskId } = resultOf(answer);
    expect(resultOf(answer)).toMatchObject({ resultType: 'task', status: 'working', ttlMs: 60_000, pollIntervalMs: 20 });
    expect(taskId).toMatch(/^[\w-]{40,}$/);
    expect(Buffer.from(String(taskId), 'base64url').toString('latin1')).not.toContain('raw');
    expect(answer.text).not.toContain(JSON.stringify(raw));
    const event = await eventOf(answer);
    expect(event).toMatchObject({ type: 'tool.called', outcome: 'ok', method: 'tools/call', upstream: 'nova' });
    expect(event).toMatchObject({ capability: 'n_job', upstream_capability: 'job', detail: { result: 'task' } });
  });

  it('MT-2 is asked for by that id, under the upstream’s own in body and header', async () => {
    const { taskId, raw } = await begin();
    expect(resultOf(await get(taskId))).toMatchObject({ resultType: 'complete', taskId, status: 'working' });
    Object.assign(nova.tasks.get(raw) ?? {}, {
      status: 'completed',
      more: { result: { resultType: 'complete', content: [{ type: 'text', text: 'done' }], isError: true } },
    });
    const answer = await get(taskId);
    expect(resultOf(answer)).toMatchObject({
      taskId,
      status: 'completed',
      result: { content: [{ text: 'done' }], isError: true },
    });
    const received = nova.received('tasks/get').at(-1);
    expect(received?.params.taskId).toBe(raw);
    expect(received?.headers).toMatchObject({ 'mcp-method': 'tasks/get', 'mcp-name': raw });
    const event = await eventOf(answer);
    expect(event).toMatchObject({ type: 'task.used', outcome: 'ok', method: 'tasks/get', upstream: 'nova' });
    expect(event).toMatchObject({ capability_kind: 'tool', capability: 'n_job', upstream_capability: 'job' });
  });

  it('MT-3 asks for input, and is given it', async () => {
    const { taskId, raw } = await begin('n_asking');
    expect(resultOf(await get(taskId))).toMatchObject({
      status: 'input_required',
      inputRequests: { who: { method: 'elicitation/create' } },
    });
    const inputResponses = { who: { action: 'accept', content: { who: 'me' } } };
    expect(resultOf(await send('tasks/update', { params: { taskId, inputResponses } }))).toMatchObject({
      resultType: 'complete',
    });
    expect(nova.received('tasks/update').at(-1)).toMatchObject({
      headers: { 'mcp-name': raw },
      params: { taskId: raw, inputResponses },
    });
    expect(resultOf(await get(taskId))).toMatchObject({
      status: 'completed',
      result: { content: [{ text: JSON.stringify(inputResponses.who) }] },
    });
  });

  it('MT-4 can be cancelled', async () => {
    const { taskId, raw } = await begin();
    const answer = await send('tasks/cancel', { params: { taskId } });
    expect(resultOf(answer)).toMatchObject({ resultType: 'complete' });
    expect(nova.tasks.get(raw)?.status).toBe('cancelled');
    expect(resultOf(await get(taskId))).toMatchObject({ taskId, status: 'cancelled' });
    const event = await eventOf(answer);
    expect(event).toMatchObject({ type: 'task.used', method: 'tasks/cancel', upstream: 'nova', upstream_capability: 'job' });
  });

  it('MT-5 may begin after a round of input', async () => {
    const first = resultOf(await call('n_first'));
    expect(first).toMatchObject({ resultType: 'input_required' });
    const retry = { inputResponses: { who: { action: 'accept', content: {} } }, requestState: first.requestState };
    const second = resultOf(await call('n_first', { params: retry }));
    expect(second).toMatchObject({ resultType: 'task' });
    expect(second.requestState).toBeUndefined();
    expect(resultOf(await get(String(second.taskId)))).toMatchObject({ status: 'working' });
  });

  it('MT-6 is served by any edge', async () => {
    const { taskId } = await begin();
    expect(resultOf(await get(taskId, { at: beside }))).toMatchObject({ taskId, status: 'working' });
    expect(resultOf(await send('tasks/cancel', { at: beside, params: { taskId } }))).toMatchObject({ resultType: 'complete' });
    expect(resultOf(await get(taskId))).toMatchObject({ status: 'cancelled' });
  });

  it('MT-7 the error of a task that its upstream has forgotten is the upstream’s', async () => {
    const { taskId, raw } = await begin();
    nova.tasks.delete(raw);
    const answer = await get(taskId);
    expect([answer.status, errorOf(answer)]).toMatchObject([200, { code: -32602, message: 'No such task.' }]);
  });

  it('MT-8 outlives an upstream that is away for a while', async () => {
    const { taskId } = await begin();
    await nova.upstream.stop();
    const away = await get(taskId);
    await nova.upstream.resume();
    expect(errorOf(away)).toMatchObject({ data: { reason: 'upstream_unavailable', upstream: 'nova' } });
    const event = await eventOf(away);
    expect(event).toMatchObject({ type: 'task.used', outcome: 'error', reason: 'upstream_unavailable', upstream: 'nova' });
    expect(resultOf(await get(taskId))).toMatchObject({ taskId, status: 'working' });
  });

  it('MT-9 a task that asks for what the client did not declare is refused', async () => {
    const { taskId } = await begin('n_asking');
    const answer = await get(taskId, { capabilities: { extensions: { [TASKS]: {} } } });
    expect([answer.status, errorOf(answer)]).toMatchObject([
      400,
      { code: -32021, data: { requiredCapabilities: { elicitation: { form: {} } } } },
    ]);
  });

  it.each(['tasks/result', 'tasks/list'])('MT-10 %s is not of this revision', async (method) => {
    const answer = await send(method, { params: { taskId: 'x' } });
    expect([answer.status, errorOf(answer)?.code]).toEqual([404, -32601]);
  });

  it('MT-11 its extension is announced, beside those that the gateway does not know', async () => {
    const { capabilities } = resultOf(await send('server/discover', {})) as { capabilities: object };
    expect(capabilities).toMatchObject({ extensions: { [TASKS]: {}, 'com.example/unknown': { deep: [1] } } });
    expect(capabilities).not.toHaveProperty('tasks');
  });
});

describe('a modern client that does not know tasks', () => {
  const plain = { capabilities: {} };

  it('MN-1 gets plain results', async () => {
    expect(resultOf(await call('n_job', plain))).toMatchObject({ resultType: 'complete', content: [{ text: 'job, at once' }] });
  });

  it('MN-2 is told what to declare for a tool that is always a task', async () => {
    const answer = await call('n_required', plain);
    expect([answer.status, errorOf(answer)]).toMatchObject([
      400,
      { code: -32021, data: { requiredCapabilities: { extensions: { [TASKS]: {} } } } },
    ]);
  });

  it('MN-3 is never given a task', async () => {
    const answer = await call('n_pushy', plain);
    expect(errorOf(answer)).toMatchObject({ data: { reason: 'upstream_invalid', upstream: 'nova' } });
    expect(answer.text).not.toContain('raw');
  });

  it.each(['tasks/get', 'tasks/update', 'tasks/cancel'])('MN-4 cannot use %s', async (method) => {
    const { taskId } = await begin();
    const answer = await send(method, { ...plain, params: { taskId, inputResponses: {} } });
    expect([answer.status, errorOf(answer)]).toMatchObject([
      400,
      { code: -32021, data: { reason: 'client_capability_missing', requiredCapabilities: { extensions: { [TASKS]: {} } } } },
    ]);
  });
});

describe('ids of tasks that are not the caller’s (E16)', () => {
  const altered = (id: string) => `${id.slice(0, -2)}${id.at(-2) === 'A' ? 'B' : 'A'}${id.slice(-1)}`;
  it.each<readonly [id: string, change: (task: { taskId: string; raw: string }) => Promise<Sent & { taskId: string }>]>([
    ['TI-made-up', () => Promise.resolve({ taskId: 'b3c1' })],
    ['TI-empty', () => Promise.resolve({ taskId: '' })],
    ['TI-raw', ({ raw }) => Promise.resolve({ taskId: raw })],
    ['TI-altered', ({ taskId }) => Promise.resolve({ taskId: altered(taskId) })],
    ['TI-cut', ({ taskId }) => Promise.resolve({ taskId: taskId.slice(0, 50) })],
    ['TI-other-server', ({ taskId }) => Promise.resolve({ taskId, slug: 'two' })],
    ['TI-other-caller', async ({ taskId }) => ({ taskId, key: await edge.mint({ name: 'other', servers: ['*'] }) })],
    ['TI-other-edge', async ({ taskId }) => ({ taskId, at: beside, key: await edge.mint({ name: 'more', servers: ['*'] }) })],
  ])('%s are all answered alike, and not passed on', async (id, change) => {
    const { taskId, ...sent } = await change(await begin());
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      const before = nova.upstream.received.length;
      const answer = await send(method, { ...sent, params: { taskId, inputResponses: {} } });
      const { code, message, data } = errorOf(answer) ?? {};
      expect([id, method, answer.status, code, message, data?.reason]).toEqual([
        id,
        method,
        200,
        -32602,
        'You have no such task here. Call the tool again for another.',
        'task_unknown',
      ]);
      expect(nova.upstream.received.length).toBe(before);
      const event = await eventOf(answer, sent.at);
      expect(event).toMatchObject({ type: 'task.used', outcome: 'error', reason: 'task_unknown', method });
      expect(event.upstream ?? '').toBe('');
    }
  });

  it('TI-no-text an id must be text', async () => {
    const answer = await send('tasks/get', { params: { taskId: 1 }, name: undefined });
    expect(errorOf(answer)).toMatchObject({ code: -32602, data: { reason: 'invalid_params' } });
  });

  it.each<readonly [id: string, name: string | undefined]>([
    ['TI-header-other', 'other'],
    ['TI-header-missing', undefined],
  ])('%s the header field must name the task of the body', async (id, name) => {
    const { taskId } = await begin();
    const answer = await send('tasks/get', { params: { taskId }, name });
    expect([id, answer.status, errorOf(answer)?.code]).toEqual([id, 400, -32020]);
  });
});

describe('access to tasks', () => {
  it('MT-12 is access to the tool, and is decided anew each time', async () => {
    await using own = await startTestEdge();
    await publishTasks(own, tasks());
    const sent = { at: own, key: own.key };
    const { taskId } = await begin('n_job', sent);
    expect(resultOf(await get(taskId, sent))).toMatchObject({ status: 'working' });
    await publishTasks(own, tasks(), [{ everyone: true, tools: ['n_plain'] }]);
    const before = nova.upstream.received.length;
    const answer = await get(taskId, sent);
    expect(errorOf(answer)).toMatchObject({ code: 10403, data: { reason: 'policy_denied' } });
    expect(nova.upstream.received.length).toBe(before);
    const event = await eventOf(answer, own);
    expect(event).toMatchObject({ type: 'policy.denied', upstream: 'nova', capability: 'n_job', method: 'tasks/get' });
  });
});
