import { answerResult, type ScriptedExchange, type ScriptedUpstream, startScriptedUpstream } from '@switchyard/testing';

const TASKS = 'io.modelcontextprotocol/tasks';
const COMPLETE = { resultType: 'complete' };

interface Params {
  readonly name?: string;
  readonly taskId?: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
  readonly inputResponses?: Readonly<Record<string, { readonly action?: string; readonly content?: object }>>;
  readonly _meta?: {
    readonly 'io.modelcontextprotocol/clientCapabilities'?: { readonly extensions?: Readonly<Record<string, unknown>> };
  };
}

/** A task of the upstream's, which the test moves along. */
export interface ModernTask {
  readonly taskId: string;
  readonly tool: string;
  status: 'working' | 'input_required' | 'completed' | 'failed' | 'cancelled';
  more: Record<string, unknown>;
}

/** A server of 2026-07-28 with the extension "Tasks", which does nothing unless it is told. */
export interface ModernTasksUpstream {
  readonly upstream: ScriptedUpstream;
  readonly tasks: Map<string, ModernTask>;
  /** Bodies that were received of a method. */
  received(method: string): { readonly headers: Readonly<Record<string, unknown>>; readonly params: Params }[];
  [Symbol.asyncDispose](): Promise<void>;
}

const paramsOf = ({ message }: ScriptedExchange): Params => (message.params ?? {}) as Params;

const declares = (params: Params) =>
  params._meta?.['io.modelcontextprotocol/clientCapabilities']?.extensions?.[TASKS] !== undefined;

function fail({ message, response }: ScriptedExchange, status: number, error: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, error }));
}

/**
 * Its tools: `job` becomes a task for those who know tasks, `required` for them alone, `asking` is a task that wants input, `first` asks
 * before it becomes one, `plain` never is one, `pushy` is one for everybody.
 */
export async function startModernTasks(name: string): Promise<ModernTasksUpstream> {
  const tasks = new Map<string, ModernTask>();
  let last = 0;
  const shown = ({ taskId, status, more }: ModernTask) => ({
    taskId,
    status,
    createdAt: '2026-11-01T00:00:00Z',
    lastUpdatedAt: '2026-11-01T00:00:00Z',
    ttlMs: 60_000,
    pollIntervalMs: 20,
    ...more,
  });
  const begin = (tool: string): ModernTask => {
    last += 1;
    const task: ModernTask = { taskId: `raw/${tool} ${last}`, tool, status: 'working', more: {} };
    if (tool === 'asking') {
      task.status = 'input_required';
      const params = { message: 'Who?', requestedSchema: { type: 'object', properties: { who: { type: 'string' } } } };
      task.more = { inputRequests: { who: { method: 'elicitation/create', params } } };
    }
    tasks.set(task.taskId, task);
    return task;
  };
  const call = (exchange: ScriptedExchange): void => {
    const params = paramsOf(exchange);
    const tool = params.name ?? '';
    if (tool === 'first' && params.inputResponses === undefined) {
      const inputRequests = {
        who: { method: 'elicitation/create', params: { message: 'Who?', requestedSchema: { type: 'object' } } },
      };
      return answerResult(exchange, { resultType: 'input_required', inputRequests, requestState: 'state' });
    }
    const isTask = tool === 'pushy' || (tool !== 'plain' && declares(params));
    if (isTask) return answerResult(exchange, { resultType: 'task', ...shown(begin(tool)), requestedBy: 1.0 });
    if (tool === 'required' || tool === 'asking') {
      const data = { requiredCapabilities: { extensions: { [TASKS]: {} } } };
      return fail(exchange, 400, { code: -32021, message: 'This tool is always a task.', data });
    }
    answerResult(exchange, { ...COMPLETE, content: [{ type: 'text', text: `${tool}, at once` }] });
  };
  const withTask = (exchange: ScriptedExchange, serve: (task: ModernTask, params: Params) => void): void => {
    const params = paramsOf(exchange);
    const task = tasks.get(params.taskId ?? '');
    if (task === undefined) return fail(exchange, 200, { code: -32602, message: 'No such task.' });
    serve(task, params);
  };
  const upstream = await startScriptedUpstream({
    name,
    scripts: {
      initialize: (exchange) => fail(exchange, 404, { code: -32601, message: 'There is no such method.' }),
      'server/discover': (exchange) =>
        answerResult(exchange, {
          ...COMPLETE,
          ttlMs: 0,
          cacheScope: 'private',
          supportedVersions: ['2026-07-28'],
          capabilities: { tools: {}, extensions: { [TASKS]: {}, 'com.example/unknown': { deep: [1.0] } } },
        }),
      'tools/list': (exchange) =>
        answerResult(exchange, {
          ...COMPLETE,
          ttlMs: 0,
          cacheScope: 'private',
          tools: ['job', 'required', 'asking', 'first', 'plain', 'pushy'].map((tool) => ({
            name: tool,
            inputSchema: { type: 'object' },
          })),
        }),
      'tools/call': call,
      'tasks/get': (exchange) => withTask(exchange, (task) => answerResult(exchange, { ...COMPLETE, ...shown(task) })),
      'tasks/update': (exchange) =>
        withTask(exchange, (task, { inputResponses }) => {
          const who = inputResponses?.who;
          task.status = 'completed';
          task.more = { result: { ...COMPLETE, content: [{ type: 'text', text: JSON.stringify(who ?? null) }] } };
          answerResult(exchange, COMPLETE);
        }),
      'tasks/cancel': (exchange) =>
        withTask(exchange, (task) => {
          task.status = 'cancelled';
          answerResult(exchange, COMPLETE);
        }),
    },
  });
  return {
    upstream,
    tasks,
    received: (method) =>
      upstream.received
        .filter(({ body }) => body !== '')
        .map(({ headers, body }) => ({ headers, message: JSON.parse(body) as { method?: string; params?: Params } }))
        .filter(({ message }) => message.method === method)
        .map(({ headers, message }) => ({ headers, params: message.params ?? {} })),
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
}
