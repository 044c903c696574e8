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

/** What a call needs to know of a tool that a legacy client makes. */
export interface ToolNote {
  /** Whether legacy clients are shown a wrapped output schema. */
  readonly wrapsOutput: boolean;
  /** Arguments that the gateway repeats in header fields towards a modern upstream, for the client knows nothing of them. */
  readonly parameters: readonly MirroredParameter[];
}

/** A tool that clients are not shown, because they could not use it. */
export interface LeftOut {
  readonly name: string;
  readonly reason: string;
}

/** The tools of upstreams as clients are shown them, and what that means for their calls. */
export class ToolForms {
  readonly #notes = new Map<string, Map<string, ToolNote>>();
  readonly #shaped = new WeakMap<FetchedList, Map<string, FetchedList>>();
  readonly #leftOut = new WeakMap<FetchedList, readonly LeftOut[]>();
  #wrapsLegacy = false;

  /** What is known of a modern upstream's tool; undefined where no list has been read. */
  get(upstream: string, tool: string): ToolNote | undefined {
    return this.#notes.get(`modern ${upstream}`)?.get(tool);
  }

  /** Whether legacy clients are shown a wrapped output schema for a legacy upstream's tool. Hardly any upstream has such a tool. */
  wrapsLegacy(upstream: string, tool: string): boolean {
    return this.#wrapsLegacy && this.#notes.get(`legacy ${upstream}`)?.get(tool)?.wrapsOutput === true;
  }

  /** What a list in its form lacks of the upstream's. */
  leftOut(form: FetchedList): readonly LeftOut[] {
    return this.#leftOut.get(form) ?? [];
  }

  /**
   * A list of tools in the form of the client's revision. One tool that clients cannot use must not cost them the others: it is left
   * out, and the log says why.
   * @param era spoken with the upstream
   */
  shape(list: FetchedList, era: Era, client: RevisionTable, log: Logger): FetchedList {
    const shaped = this.#shaped.get(list) ?? new Map<string, FetchedList>();
    this.#shaped.set(list, shaped);
    const key = `${era} ${client.revision}`;
    const known = shaped.get(key);
    if (known !== undefined) return known;
    const { upstream } = list;
    const leftOut: LeftOut[] = [];
    const usable = list.items.flatMap((item) => {
      const form = this.#formOf(upstream, item, era, client);
      if (typeof form !== 'string') return [form];
      log.warn('a tool is left out', { upstream, capability: item.name, reason: form });
      leftOut.push({ name: item.name, reason: form });
      return [];
    });
    const isSame = leftOut.length === 0 && usable.every((item, index) => item === list.items[index]);
    const form = isSame ? list : fetchedList(upstream, usable);
    if (leftOut.length > 0) this.#leftOut.set(form, leftOut);
    shaped.set(key, form);
    return form;
  }

  /** @returns why the tool cannot be used, where that is so */
  #formOf(upstream: string, item: ListedItem, era: Era, client: RevisionTable): ListedItem | string {
    const form = downgradeTool(item.text, { start: 0, end: item.text.length }, client);
    if (!form.usable) return form.fault;
    // A legacy server mirrors nothing; what a client of its era finds in a schema is a word that it does not know.
    const mirrored = era === 'legacy' && client.era === 'legacy' ? NOTHING_MIRRORED : parametersOf(item.text);
    if ('unusable' in mirrored) return mirrored.unusable;
    if (client.era === 'legacy') this.#note(`${era} ${upstream}`, item.name, form.output === 'wrapped', mirrored.parameters);
    if (era === 'legacy' && client.era === 'legacy' && form.output === 'wrapped') this.#wrapsLegacy = true;
    const text = splice(item.text, form.edits);
    // Which tools can be called as a task is for clients of a revision that has the same tasks.
    if (era === client.era && (era === 'modern' || client.toolMembers.has('execution'))) return respelt(item, text);
    return respelt(item, splice(text, modernToolEdits(text, { start: 0, end: text.length })));
  }

  #note(key: string, tool: string, wrapsOutput: boolean, parameters: readonly MirroredParameter[]): void {
    const notes = this.#notes.get(key) ?? new Map<string, ToolNote>();
    this.#notes.set(key, notes.set(tool, { wrapsOutput, parameters }));
  }
}

const NOTHING_MIRRORED: { readonly parameters: readonly MirroredParameter[] } = { parameters: [] };

function respelt(item: ListedItem, text: Buffer): ListedItem {
  if (text === item.text) return item;
  const nameRange = memberAt(text, { start: 0, end: text.length }, 'name');
  if (nameRange === undefined) throw new Error('a tool has lost its name');
  return { name: item.name, text, nameRange };
}

/** Most tools mirror nothing: only text in which the annotation may stand, escaped or not, is parsed. */
function parametersOf(text: Buffer): ReturnType<typeof mirroredParameters> {
  if (!text.includes('x-mcp-header') && !text.includes('\\u')) return NOTHING_MIRRORED;
  return mirroredParameters((JSON.parse(text.toString('utf8')) as { readonly inputSchema?: unknown }).inputSchema);
}
