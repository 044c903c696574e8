import { downgradeTool, memberAt, type MirroredParameter, mirroredParameters, revisionOf, splice } from '@switchyard/mcp';
import type { Logger } from '@switchyard/telemetry';
import type { Call } from './exchange.js';
import type { FetchedList } from './methods/fetch-list.js';

type Item = FetchedList['items'][number];

/** What a call of a modern upstream's tool needs to know of it, when a legacy client makes it. */
export interface ToolNote {
  /** Whether legacy clients are shown a wrapped output schema. */
  readonly wrapsOutput: boolean;
  /** Arguments that the gateway repeats in header fields, for the client knows nothing of them. */
  readonly parameters: readonly MirroredParameter[];
}

/** Tools of modern upstreams as legacy clients are shown them, and what that means for their calls. */
export class ToolForms {
  readonly #notes = new Map<string, Map<string, ToolNote>>();

  /** What is known of a tool; undefined where no list has been read. */
  get(upstream: string, tool: string): ToolNote | undefined {
    return this.#notes.get(upstream)?.get(tool);
  }

  /** The tools of a modern upstream in the form of the client's revision. One that the client cannot use must not cost it the others. */
  forLegacy({ inbound, session }: Call, upstream: string, items: readonly Item[], log: Logger): Item[] {
    const client = revisionOf(session?.record.revision ?? inbound.revision);
    if (client === undefined) throw new Error('a session has a revision that is not served');
    const notes = this.#notes.get(upstream) ?? new Map<string, ToolNote>();
    this.#notes.set(upstream, notes);
    return items.flatMap((item) => {
      const form = downgradeTool(item.text, { start: 0, end: item.text.length }, client);
      const mirrored = parametersOf(item.text);
      const reason = 'unusable' in mirrored ? mirrored.unusable : form.usable ? undefined : form.fault;
      if (!form.usable || 'unusable' in mirrored) {
        log.warn('a tool is left out', { upstream, capability: item.name, reason });
        return [];
      }
      notes.set(item.name, { wrapsOutput: form.output === 'wrapped', parameters: mirrored.parameters });
      return form.edits.length === 0 ? [item] : [respelt(item, splice(item.text, form.edits))];
    });
  }
}

function respelt(item: Item, text: Buffer): Item {
  const nameRange = memberAt(text, { start: 0, end: text.length }, 'name');
  if (nameRange === undefined) throw new Error('a tool has lost its name');
  return { name: item.name, text, nameRange };
}

/** Most tools mirror nothing: only text in which the annotation may stand, escaped or not, is parsed. */
function parametersOf(text: Buffer): ReturnType<typeof mirroredParameters> {
  if (!text.includes('x-mcp-header') && !text.includes('\\u')) return { parameters: [] };
  return mirroredParameters((JSON.parse(text.toString('utf8')) as { readonly inputSchema?: unknown }).inputSchema);
}
