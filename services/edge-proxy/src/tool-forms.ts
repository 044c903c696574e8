import {
  downgradeTool,
  type Era,
  memberAt,
  type MirroredParameter,
  mirroredParameters,
  modernToolEdits,
  type RevisionTable,
  splice,
} from '@switchyard/mcp';
import type { Logger } from '@switchyard/telemetry';
import { fetchedList, type FetchedList, type ListedItem } from './fetched-list.js';

/** What a call of a modern upstream's tool needs to know of it, when a legacy client makes it. */
export interface ToolNote {
  /** Whether legacy clients are shown a wrapped output schema. */
  readonly wrapsOutput: boolean;
  /** Arguments that the gateway repeats in header fields, for the client knows nothing of them. */
  readonly parameters: readonly MirroredParameter[];
}

/** The tools of upstreams as clients are shown them, and what that means for their calls. */
export class ToolForms {
  readonly #notes = new Map<string, Map<string, ToolNote>>();
  readonly #shaped = new WeakMap<FetchedList, Map<string, FetchedList>>();

  /** What is known of a tool; undefined where no list has been read. */
  get(upstream: string, tool: string): ToolNote | undefined {
    return this.#notes.get(upstream)?.get(tool);
  }

  /**
   * A list of tools in the form of the client's revision. One tool that clients cannot use must not cost them the others: it is left
   * out, and the log says why.
   * @param era spoken with the upstream
   */
  shape(list: FetchedList, era: Era, client: RevisionTable, log: Logger): FetchedList {
    if (era === 'legacy' && client.era === 'legacy') return list;
    const shaped = this.#shaped.get(list) ?? new Map<string, FetchedList>();
    this.#shaped.set(list, shaped);
    const key = `${era} ${client.revision}`;
    const known = shaped.get(key);
    if (known !== undefined) return known;
    const { upstream } = list;
    const usable = list.items.flatMap((item) => {
      const form = client.era === 'modern' ? modernForm(item, era) : this.#legacyForm(upstream, item, client);
      if (typeof form !== 'string') return [form];
      log.warn('a tool is left out', { upstream, capability: item.name, reason: form });
      return [];
    });
    const isSame = usable.length === list.items.length && usable.every((item, index) => item === list.items[index]);
    const form = isSame ? list : fetchedList(upstream, usable);
    shaped.set(key, form);
    return form;
  }

  #legacyForm(upstream: string, item: ListedItem, client: RevisionTable): ListedItem | string {
    const form = downgradeTool(item.text, { start: 0, end: item.text.length }, client);
    if (!form.usable) return form.fault;
    const mirrored = parametersOf(item.text);
    if ('unusable' in mirrored) return mirrored.unusable;
    const notes = this.#notes.get(upstream) ?? new Map<string, ToolNote>();
    this.#notes.set(upstream, notes);
    notes.set(item.name, { wrapsOutput: form.output === 'wrapped', parameters: mirrored.parameters });
    return respelt(item, splice(item.text, form.edits));
  }
}

/** @returns why the tool cannot be used, where that is so (MCP 2026-07-28, "x-mcp-header") */
function modernForm(item: ListedItem, era: Era): ListedItem | string {
  const mirrored = parametersOf(item.text);
  if ('unusable' in mirrored) return mirrored.unusable;
  if (era === 'modern') return item;
  return respelt(item, splice(item.text, modernToolEdits(item.text, { start: 0, end: item.text.length })));
}

function respelt(item: ListedItem, text: Buffer): ListedItem {
  if (text === item.text) return item;
  const nameRange = memberAt(text, { start: 0, end: text.length }, 'name');
  if (nameRange === undefined) throw new Error('a tool has lost its name');
  return { name: item.name, text, nameRange };
}

/** Most tools mirror nothing: only text in which the annotation may stand, escaped or not, is parsed. */
function parametersOf(text: Buffer): ReturnType<typeof mirroredParameters> {
  if (!text.includes('x-mcp-header') && !text.includes('\\u')) return { parameters: [] };
  return mirroredParameters((JSON.parse(text.toString('utf8')) as { readonly inputSchema?: unknown }).inputSchema);
}
