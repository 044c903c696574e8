import type { EdgeKey } from './edge-key.js';
import { OwnTasks } from './own-tasks.js';
import { TaskIds } from './task-ids.js';
import { TaskTools } from './task-tools.js';

/** What an edge knows of tasks. Only the ids must be known to all edges. */
export interface Tasks {
  readonly ids: TaskIds;
  readonly tools: TaskTools;
  readonly own: OwnTasks;
}

/** @param key of all edges */
export const newTasks = (key: EdgeKey): Tasks => ({ ids: new TaskIds(key), tools: new TaskTools(), own: new OwnTasks() });
