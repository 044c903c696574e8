import { compilePatterns, type Era, exposedName } from '@switchyard/mcp';
import type { CapabilityKind, CompiledServer, CompiledSource } from './catalog.js';
import { nameOnServer } from './names.js';

/** Lists that capabilities are learned from. */
export type ListKey = 'tools' | 'prompts' | 'resources' | 'resourceTemplates';

/** A capability as one server offers it. */
export interface Located {
  readonly source: CompiledSource;
  /** The upstream's own name, URI or URI template. */
  readonly name: string;
  /** As clients of the server see it. */
  readonly exposed: string;
}

/** Everything that one server offers of one kind, as far as its upstreams have been heard. */
export interface NameTable {
  /** A tool or prompt has one owner. A resource has every source that lists its URI, in configuration order. */
  readonly byExposed: ReadonlyMap<string, readonly Located[]>;
  readonly bySource: ReadonlyMap<CompiledSource, ReadonlyMap<string, Located>>;
}

const KIND: Readonly<Record<ListKey, CapabilityKind>> = {
  tools: 'tool',
  prompts: 'prompt',
  resources: 'resource',
  resourceTemplates: 'resource',
};

/** Whose list it is that is learned. */
export interface HeardList {
  readonly upstream: string;
  /** The client's. */
  readonly era: Era;
  readonly list: ListKey;
  /** The upstream's definition: what was heard under another one counts no more. */
  readonly owner: object;
  /** Who is shown this list; others may be shown another. */
  readonly context: string;
}

/** A context whose list has not been asked for so long is taken for gone. */
const CONTEXT_MS = 30 * 60_000;
const SWEEP_MS = 60_000;
/** Most contexts of one list; the oldest makes room. Who calls for a name that went with it has it learned again. */
const MOST_CONTEXTS = 1_000;

/** The last list of one context. */
interface Said {
  readonly names: readonly string[];
  /** The same for equal lists. */
  readonly key: string;
  atMs: number;
}

/** What one upstream has listed, over all contexts. */
interface Heard {
  readonly owner: object;
  readonly contexts: Map<string, Said>;
  /** How many contexts have each distinct list, in the order in which they were first heard. */
  readonly distinct: Map<string, { readonly names: readonly string[]; holders: number }>;
  atMs: number;
  sweptAtMs: number;
}

/**
 * Remembers what each upstream listed last, to anybody, and from that how every server names it. An upstream that is away keeps its
 * names, so that none of them falls to another upstream meanwhile; and what it is called does not depend on who asks.
 */
export class CapabilityNames {
  readonly #heard = new Map<string, Heard>();
  #tables = new WeakMap<CompiledServer, Map<string, NameTable>>();

  /** Takes note of a complete list. Costs next to nothing where it is the same array as before. */
  learn({ upstream, era, list, owner, context }: HeardList, names: readonly string[], nowMs: number): void {
    const heard = this.#heardOf(`${era}\n${list}\n${upstream}`, owner, nowMs);
    heard.atMs = nowMs;
    const before = heard.contexts.get(context);
    if (before?.names === names) {
      before.atMs = nowMs;
      return;
    }
    const key = JSON.stringify(names);
    heard.contexts.set(context, { names, key, atMs: nowMs });
    let changed = false;
    if (before?.key !== key) {
      changed = hold(heard, key, names);
      if (before !== undefined) changed = release(heard, before.key) || changed;
    }
    if (sweep(heard, nowMs) || changed) this.#tables = new WeakMap();
  }

  /** When an upstream's list was learned; undefined when never. */
  heardAtMs(upstream: string, era: Era, list: ListKey): number | undefined {
    return this.#heard.get(`${era}\n${list}\n${upstream}`)?.atMs;
  }

  #heardOf(key: string, owner: object, nowMs: number): Heard {
    const known = this.#heard.get(key);
    if (known?.owner === owner) return known;
    const heard = { owner, contexts: new Map(), distinct: new Map(), atMs: nowMs, sweptAtMs: nowMs };
    this.#heard.set(key, heard);
    if (known !== undefined) this.#tables = new WeakMap();
    return heard;
  }

  /** How the server names everything that its upstreams listed. */
  table(server: CompiledServer, era: Era, list: ListKey): NameTable {
    const tables = this.#tables.get(server) ?? new Map<string, NameTable>();
    this.#tables.set(server, tables);
    const key = `${era}\n${list}`;
    const table = tables.get(key) ?? this.#build(server, era, list);
    tables.set(key, table);
    return table;
  }

  /** The sources that have a template which covers a URI (RFC 6570: an expression stands for any text). */
  byTemplate(server: CompiledServer, era: Era, uri: string): CompiledSource[] {
    const { byExposed } = this.table(server, era, 'resourceTemplates');
    return [...byExposed].flatMap(([template, located]) => (covers(template, uri) ? located.map(({ source }) => source) : []));
  }

  /**
   * Sources are taken in configuration order: where two want one name for a tool or prompt, the first keeps it and the other's is put
   * behind its upstream's name. A URI cannot be renamed, so all who have it share it.
   */
  #build(server: CompiledServer, era: Era, list: ListKey): NameTable {
    const kind = KIND[list];
    const byExposed = new Map<string, Located[]>();
    const bySource = new Map<CompiledSource, Map<string, Located>>();
    for (const source of server.sources) {
      const own = new Map<string, Located>();
      bySource.set(source, own);
      for (const name of namesOf(this.#heard.get(`${era}\n${list}\n${source.upstream}`))) {
        if (!source.offers[kind](name) || source.denies(name)) continue;
        const exposed = freeName(source, { kind, name }, byExposed);
        if (exposed === undefined) continue;
        const located = { source, name, exposed };
        byExposed.set(exposed, [...(byExposed.get(exposed) ?? []), located]);
        own.set(name, located);
      }
    }
    return { byExposed, bySource };
  }
}

/** @returns whether nobody had this list before */
function hold({ distinct }: Heard, key: string, names: readonly string[]): boolean {
  const known = distinct.get(key);
  if (known === undefined) distinct.set(key, { names, holders: 1 });
  else known.holders += 1;
  return known === undefined;
}

/** @returns whether nobody has this list any more */
function release({ distinct }: Heard, key: string): boolean {
  const known = distinct.get(key);
  if (known === undefined) return false;
  known.holders -= 1;
  return known.holders === 0 && distinct.delete(key);
}

/** @returns whether some list has gone with its last context */
function sweep(heard: Heard, nowMs: number): boolean {
  if (nowMs - heard.sweptAtMs < SWEEP_MS && heard.contexts.size <= MOST_CONTEXTS) return false;
  heard.sweptAtMs = nowMs;
  let changed = false;
  for (const [context, { key, atMs }] of heard.contexts) {
    if (nowMs - atMs <= CONTEXT_MS && heard.contexts.size <= MOST_CONTEXTS) continue;
    heard.contexts.delete(context);
    changed = release(heard, key) || changed;
  }
  return changed;
}

/** Every name that anybody is shown, in the order in which they were heard. */
function namesOf(heard: Heard | undefined): Iterable<string> {
  if (heard === undefined) return [];
  const lists = [...heard.distinct.values()];
  return lists.length === 1 ? lists[0]!.names : new Set(lists.flatMap(({ names }) => names));
}

function freeName(
  source: CompiledSource,
  capability: { kind: CapabilityKind; name: string },
  taken: ReadonlyMap<string, unknown>,
): string | undefined {
  const wanted = nameOnServer(source, capability);
  if (capability.kind === 'resource' || !taken.has(wanted)) return wanted;
  const second = exposedName(secondPrefix(source), capability.name);
  return taken.has(second) ? undefined : second;
}

/** Put before a name that an earlier source has taken. */
export const secondPrefix = (source: CompiledSource) => `${source.outerPrefix}${source.upstream}__${source.prefix}`;

/** A `*` in the template itself must not come to stand for any text. */
const covers = (template: string, uri: string) =>
  compilePatterns([template.replaceAll('*', '?').replace(/\{[^{}]*\}/g, '*')])(uri);
