import type { KvStore } from '@switchyard/state';
import { OwnTasks } from './own-tasks.js';
import { TaskIds } from './task-ids.js';
import { TaskTools } from './task-tools.js';

/** What an edge knows of tasks. Only the ids must be known to all edges. */
export interface Tasks {
  readonly ids: TaskIds;
  readonly tools: TaskTools;
  readonly own: OwnTasks;
}

/** @param kv where all edges find what they share */
export async function openTasks(kv: KvStore): Promise<Tasks> {
  return { ids: await TaskIds.open(kv), tools: new TaskTools(), own: new OwnTasks() };
}
