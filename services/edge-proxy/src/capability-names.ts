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
  readonly byExposed: ReadonlyMap<string, Located>;
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

  /** The source whose templates cover a URI (RFC 6570: an expression stands for any text). */
  byTemplate(server: CompiledServer, era: Era, uri: string): CompiledSource | undefined {
    for (const [template, { source }] of this.table(server, era, 'resourceTemplates').byExposed) {
      if (compilePatterns([template.replaceAll('*', '?').replace(/\{[^{}]*\}/g, '*')])(uri)) return source;
    }
    return undefined;
  }

  /** Sources are taken in configuration order: where two want one name, the first keeps it and the other's is put behind its upstream's name. */
  #build(server: CompiledServer, era: Era, list: ListKey): NameTable {
    const kind = KIND[list];
    const byExposed = new Map<string, Located>();
    const bySource = new Map<CompiledSource, Map<string, Located>>();
    for (const source of server.sources) {
      const own = new Map<string, Located>();
      bySource.set(source, own);
      for (const name of this.#heard.get(`${era}\n${list}\n${source.upstream}`)?.names ?? []) {
        if (!source.offers[kind](name) || source.denies(name)) continue;
        const exposed = freeName(source, { kind, name }, byExposed);
        if (exposed === undefined) continue;
        const located = { source, name, exposed };
        byExposed.set(exposed, located);
        own.set(name, located);
      }
    }
    return { byExposed, bySource };
  }
}

function freeName(
  source: CompiledSource,
  capability: { kind: CapabilityKind; name: string },
  taken: ReadonlyMap<string, Located>,
): string | undefined {
  const wanted = nameOnServer(source, capability);
  if (!taken.has(wanted)) return wanted;
  // A URI has one owner: clients and upstreams both use it as it is.
  if (capability.kind === 'resource') return undefined;
  const second = exposedName(`${source.outerPrefix}${source.upstream}__${source.prefix}`, capability.name);
  return taken.has(second) ? undefined : second;
}
