import { createHash } from 'node:crypto';
import type { EdgeKey } from './edge-key.js';
import type { Call } from './exchange.js';
import * as z from 'zod';

const handle = z.object({
  upstream: z.string(),
  /** The tool whose call became the task, as the upstream names it. */
  tool: z.string(),
  /** The upstream's own id. */
  id: z.string(),
});

/** A task of an upstream's. */
export type TaskHandle = z.infer<typeof handle>;

/**
 * Ids of tasks as clients have them: the upstream's own, sealed to the caller and the server, so that any edge finds the task from its id
 * alone, and an id of somebody else's is no other than one that never was (MCP 2025-11-25, "Tasks", "Security Considerations").
 */
export class TaskIds {
  /** @param key of all edges */
  constructor(private readonly key: EdgeKey) {}

  /** The id that the caller gets. */
  seal(call: Call, task: TaskHandle): string {
    const { upstream, tool, id } = task;
    return this.key.seal(Buffer.from(JSON.stringify({ upstream, tool, id })), bindingOf(call)).toString('base64url');
  }

  /** What an id stands for; undefined where this caller was given none like it on this server. */
  read(call: Call, taskId: string): TaskHandle | undefined {
    const plain = this.key.open(Buffer.from(taskId, 'base64url'), bindingOf(call));
    return plain === undefined ? undefined : handle.parse(JSON.parse(plain.toString('utf8')));
  }
}

function bindingOf({ caller, exchange }: Call): Buffer {
  const { tenant, issuer, subject } = caller.principal;
  const parts = ['task', tenant, issuer, subject, caller.clientId, exchange.server.slug];
  return createHash('sha256').update(JSON.stringify(parts)).digest();
}
