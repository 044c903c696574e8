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

interface Heard {
  readonly names: readonly string[];
  readonly atMs: number;
}

/**
 * Remembers what each upstream listed last, and from that how every server names it. An upstream that is away keeps its names, so that
 * none of them falls to another upstream meanwhile.
 */
export class CapabilityNames {
  readonly #heard = new Map<string, Heard>();
  #tables = new WeakMap<CompiledServer, Map<string, NameTable>>();

  /** Takes note of a complete list. */
  learn(upstream: string, era: Era, list: ListKey, names: readonly string[], nowMs: number): void {
    const key = `${era}\n${list}\n${upstream}`;
    const before = this.#heard.get(key);
    this.#heard.set(key, { names, atMs: nowMs });
    const same =
      before !== undefined && before.names.length === names.length && before.names.every((name, index) => name === names[index]);
    if (!same) this.#tables = new WeakMap();
  }

  /** When an upstream's list was learned; undefined when never. */
  heardAtMs(upstream: string, era: Era, list: ListKey): number | undefined {
    return this.#heard.get(`${era}\n${list}\n${upstream}`)?.atMs;
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
      for (const name of this.#heard.get(`${era}\n${list}\n${source.upstream}`)?.names ?? []) {
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
