import { type TaskSupport, taskSupportOf } from '@switchyard/mcp';

/** Tools of one upstream that are remembered: sessions may be listed different ones. */
const MOST = 4_096;

/** Remembers which tools of legacy upstreams can be called as a task, or only so (MCP 2025-11-25, "Tasks", "Tool-Level Negotiation"). */
export class TaskTools {
  readonly #heard = new Map<string, Map<string, TaskSupport>>();

  /** Takes note of tools as their upstream lists them. @param items JSON text of each, which has passed the gate */
  learn(upstream: string, items: readonly { readonly name: string; readonly text: Buffer }[]): void {
    const before = this.#heard.get(upstream);
    const tools = before !== undefined && before.size < MOST ? before : new Map<string, TaskSupport>();
    this.#heard.set(upstream, tools);
    for (const { name, text } of items) {
      const says = text.includes('taskSupport') || text.includes('\\u');
      tools.set(name, says ? taskSupportOf(text) : 'forbidden');
    }
  }

  /** Undefined where the tool has never been listed. */
  of(upstream: string, tool: string): TaskSupport | undefined {
    return this.#heard.get(upstream)?.get(tool);
  }
}
