import type { Principal } from '@switchyard/contracts';
import type { Era } from '@switchyard/mcp';
import type { CapabilityNames, ListKey } from '../capability-names.js';
import type { Catalog, CompiledServer, CompiledSource } from '../catalog.js';
import { decide, mayReach, speaksTo } from '../stages/authorize.js';
import type { Kind } from './filter.js';

/** What somebody is shown of a server's lists, as text: equal texts are equal lists. */
export type View = Readonly<Record<Kind, string>>;

/**
 * The view, as far as it is known without asking anybody: where an upstream's list has not been heard here, what the configuration says
 * of it stands for its names; and another address or credential of an upstream may mean other lists.
 */
export function viewOf(principal: Principal, server: CompiledServer, catalog: Catalog, era: Era, names: CapabilityNames): View {
  const sources = server.sources.filter((source) => mayReach(principal, source, catalog));
  const listsOf = (source: CompiledSource, ...lists: ListKey[]) =>
    lists.map((list) => shown(list, { principal, server, source, catalog, era, names }));
  const of = (...lists: ListKey[]) =>
    JSON.stringify(sources.map((source) => [whereabouts(source, catalog), ...listsOf(source, ...lists)]));
  return { tools: of('tools'), prompts: of('prompts'), resources: of('resources', 'resourceTemplates') };
}

function whereabouts({ upstream: name }: CompiledSource, catalog: Catalog): unknown {
  const upstream = catalog.upstreams.get(name);
  return [name, upstream?.transport, upstream?.credentialVersion];
}

interface Shown {
  readonly principal: Principal;
  readonly server: CompiledServer;
  readonly source: CompiledSource;
  readonly catalog: Catalog;
  readonly era: Era;
  readonly names: CapabilityNames;
}

function shown(list: ListKey, { principal, server, source, catalog, era, names }: Shown): unknown {
  if (names.heardAtMs(source.upstream, era, list) === undefined)
    return [source.text, ...source.rules.flatMap((rule) => (speaksTo(rule, principal, catalog) ? [rule.text] : []))];
  const kind = list === 'tools' ? 'tool' : list === 'prompts' ? 'prompt' : 'resource';
  const located = names.table(server, era, list).bySource.get(source)?.values() ?? [];
  return [...located]
    .filter(({ name }) => decide(principal, source, { kind, name }, catalog).allowed)
    .map(({ exposed }) => exposed);
}
