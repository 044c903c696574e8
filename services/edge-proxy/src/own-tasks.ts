import { splice } from '@switchyard/mcp';
import type { ClientSession } from './session-store.js';
import type { UpstreamMessage } from './upstream/link.js';

/** Tasks of a session that are remembered; the one that was heard of longest ago makes room. */
const MOST = 256;

/** What the client knows a task by. */
export interface OwnTask {
  /** Its id, as the client has it. */
  readonly exposed: string;
  /** Progress token of the call that became the task: the gateway's, and the client's own as JSON text. */
  readonly progress?: { readonly ours: string; readonly theirs: string } | undefined;
}

/**
 * Tasks that the clients of sessions were given here. What an upstream says of a task by itself is passed on only to whom it is: several
 * clients may share a session with the upstream.
 */
export class OwnTasks {
  readonly #bySession = new WeakMap<ClientSession, Map<string, OwnTask>>();

  /** Takes note of a task that the client has an id of. */
  remember(session: ClientSession, upstream: string, id: string, task: OwnTask): void {
    const tasks = this.#bySession.get(session) ?? new Map<string, OwnTask>();
    this.#bySession.set(session, tasks);
    const key = keyOf(upstream, id);
    const progress = task.progress ?? tasks.get(key)?.progress;
    tasks.delete(key);
    tasks.set(key, { exposed: task.exposed, progress });
    for (const oldest of tasks.keys()) {
      if (tasks.size <= MOST) break;
      tasks.delete(oldest);
    }
  }

  /**
   * What an upstream says of a task, as the client is told it (MCP 2025-11-25, "Tasks", "Task Status Notification", "Task Progress").
   * @returns undefined where it is of none of the client's tasks
   */
  notice(session: ClientSession, upstream: string, message: UpstreamMessage): Buffer | undefined {
    const tasks = this.#bySession.get(session);
    if (tasks === undefined) return undefined;
    const { bytes, envelope } = message;
    if (envelope.method === 'notifications/progress') {
      const { progressToken, progressTokenRange } = envelope;
      for (const { progress } of tasks.values())
        if (progress !== undefined && progress.ours === progressToken && progressTokenRange !== undefined)
          return splice(bytes, [{ range: progressTokenRange, text: progress.theirs }]);
      return undefined;
    }
    if (envelope.method !== 'notifications/tasks/status' || envelope.taskIdRange === undefined) return undefined;
    const task = tasks.get(keyOf(upstream, envelope.taskId ?? ''));
    return task && splice(bytes, [{ range: envelope.taskIdRange, text: JSON.stringify(task.exposed) }]);
  }
}

const keyOf = (upstream: string, id: string) => `${upstream}\n${id}`;
