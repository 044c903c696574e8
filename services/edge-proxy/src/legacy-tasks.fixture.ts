import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InMemoryTaskMessageQueue, InMemoryTaskStore } from '@modelcontextprotocol/sdk/experimental/tasks/stores/in-memory.js';
import type { CreateTaskRequestHandlerExtra } from '@modelcontextprotocol/sdk/experimental/tasks/interfaces.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { ElicitResultSchema, isInitializeRequest, type Task } from '@modelcontextprotocol/sdk/types.js';

/** A real server of 2025-11-25 with tasks (SDK v1). */
export interface LegacyTasksUpstream {
  readonly url: string;
  /** Bodies of the messages that it received. */
  readonly received: readonly { readonly method?: string; readonly params?: Readonly<Record<string, unknown>> }[];
  /** Ends tasks that run, by their ids, with a result of this text. */
  readonly running: ReadonlyMap<string, (text: string) => void>;
  readonly store: InMemoryTaskStore;
  /** Forgets all sessions, as a restart would. */
  forgetSessions(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

const FORM = { message: 'Who?', requestedSchema: { type: 'object' as const, properties: { who: { type: 'string' as const } } } };

/**
 * Its tools: `job` may be called as a task, `required` and `asking` must be, `plain` cannot. Tasks run until the test ends them; `asking`
 * ends with what its client answers.
 */
export async function startLegacyTasks(name: string): Promise<LegacyTasksUpstream> {
  const store = new InMemoryTaskStore();
  const queue = new InMemoryTaskMessageQueue();
  const running = new Map<string, (text: string) => void>();
  const received: LegacyTasksUpstream['received'][number][] = [];
  const sessions = new Map<string, StreamableHTTPServerTransport>();

  const run = async (server: McpServer, tool: string, task: Task, extra: CreateTaskRequestHandlerExtra) => {
    const relatedTask = { taskId: task.taskId };
    const finish = (text: string) =>
      extra.taskStore.storeTaskResult(task.taskId, 'completed', { content: [{ type: 'text', text: `${tool}: ${text}` }] });
    if (tool === 'asking') {
      const request = { method: 'elicitation/create' as const, params: { mode: 'form' as const, ...FORM } };
      await extra.taskStore.updateTaskStatus(task.taskId, 'input_required');
      const { action, content } = await server.server.request(request, ElicitResultSchema, { relatedTask });
      return finish(JSON.stringify({ action, content }));
    }
    const text = await new Promise<string>((resolve) => running.set(task.taskId, resolve));
    running.delete(task.taskId);
    return finish(text);
  };

  const serverOf = () => {
    const capabilities = { tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } };
    const server = new McpServer({ name, version: '1' }, { capabilities, taskStore: store, taskMessageQueue: queue });
    const tools = { job: 'optional', required: 'required', asking: 'required' } as const;
    for (const [tool, taskSupport] of Object.entries(tools))
      server.experimental.tasks.registerToolTask(
        tool,
        { description: tool, execution: { taskSupport } },
        {
          createTask: async (extra) => {
            const task = await extra.taskStore.createTask({ ttl: extra.taskRequestedTtl ?? 60_000, pollInterval: 20 });
            void run(server, tool, task, extra).catch(() => undefined);
            return { task };
          },
          getTask: (extra) => extra.taskStore.getTask(extra.taskId),
          getTaskResult: async (extra) => (await extra.taskStore.getTaskResult(extra.taskId)) as { content: [] },
        },
      );
    server.registerTool('plain', { description: 'plain' }, () => ({ content: [{ type: 'text', text: 'plain' }] }));
    return server;
  };

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    const message = text === '' ? undefined : (JSON.parse(text) as LegacyTasksUpstream['received'][number]);
    if (message !== undefined) received.push(message);
    const id = request.headers['mcp-session-id'];
    let transport = typeof id === 'string' ? sessions.get(id) : undefined;
    if (transport === undefined && !(id === undefined && isInitializeRequest(message))) {
      response.writeHead(id === undefined ? 400 : 404, { 'content-type': 'application/json' });
      response.end('{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}');
      return;
    }
    if (transport === undefined) {
      const opened = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (session) => void sessions.set(session, opened),
      });
      await serverOf().connect(opened);
      transport = opened;
    }
    await transport.handleRequest(request, response, message);
  };
  const http = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    received,
    running,
    store,
    forgetSessions: () => sessions.clear(),
    [Symbol.asyncDispose]: async () => {
      store.cleanup();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
