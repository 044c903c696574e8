import type { KvStore } from '@switchyard/state';
import type { Call } from './exchange.js';
import { SealedText } from './sealed-text.js';
import * as z from 'zod';

const KEY = 'task-id-key';

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
  readonly #text: SealedText;

  private constructor(text: SealedText) {
    this.#text = text;
  }

  /** @param kv where all edges find the same key */
  static async open(kv: KvStore): Promise<TaskIds> {
    return new TaskIds(await SealedText.open(kv, KEY));
  }

  /** The id that the caller gets. */
  seal(call: Call, task: TaskHandle): string {
    const { upstream, tool, id } = task;
    return this.#text.seal(JSON.stringify({ upstream, tool, id }), bindingOf(call));
  }

  /** What an id stands for; undefined where this caller was given none like it on this server. */
  read(call: Call, taskId: string): TaskHandle | undefined {
    const text = this.#text.unseal(taskId, bindingOf(call));
    return text === undefined ? undefined : handle.parse(JSON.parse(text));
  }
}

function bindingOf({ caller, exchange }: Call): readonly unknown[] {
  const { tenant, issuer, subject } = caller.principal;
  return ['task', tenant, issuer, subject, caller.clientId, exchange.server.slug];
}
