import type { Upstream } from '@switchyard/contracts';
import type { Envelope, Era } from '@switchyard/mcp';
import type { ListKey } from '../capability-names.js';
import type { CompiledServer, CompiledSource } from '../catalog.js';
import type { Edge } from '../edge.js';
import type { Call } from '../exchange.js';
import { fetchLists } from '../methods/fetch-list.js';
import { nameOnServer, type NamedCapability } from '../names.js';
import { Refusal } from '../refusal.js';

/** What a call is for: which upstream, and its own name for the capability. */
export interface Target {
  readonly source: CompiledSource;
  readonly upstream: Upstream;
  readonly capability: NamedCapability;
  /** As the client names it. */
  readonly exposed: string;
}

/** A list older than this is asked for again before a name is called unknown. */
const STALE_MS = 5_000;

/** Finds what a call is for, from memory; upstreams are asked for their lists only where a name is not known yet. */
export async function resolve(call: Call, edge: Edge): Promise<Target | Refusal> {
  const { envelope } = call.inbound;
  const named = namedBy(envelope);
  if (named === undefined)
    return new Refusal(
      'invalid_params',
      `${envelope.method} needs a ${envelope.method.startsWith('resources/') ? 'params.uri' : 'params.name'} that is a string.`,
    );
  const list: ListKey = named.kind === 'tool' ? 'tools' : named.kind === 'prompt' ? 'prompts' : 'resources';
  const found = direct(call.exchange.server, named) ?? locate(call, named, list, edge);
  if (found !== undefined) return target(call, found, named);
  await fetchLists(
    call,
    staleUpstreams(call, list, edge),
    named.kind === 'resource' ? ['resources', 'resourceTemplates'] : [list],
    edge,
  );
  const second = locate(call, named, list, edge) ?? lastResort(call, named, list, edge);
  return second === undefined ? unknown(named) : target(call, second, named);
}

interface Candidate {
  readonly source: CompiledSource;
  readonly name: string;
}

function namedBy(envelope: Envelope): NamedCapability | undefined {
  if (envelope.method === 'tools/call') return envelope.name === undefined ? undefined : { kind: 'tool', name: envelope.name };
  if (envelope.method === 'prompts/get') return envelope.name === undefined ? undefined : { kind: 'prompt', name: envelope.name };
  if (envelope.method === 'completion/complete') {
    if (envelope.refType === 'ref/prompt' && envelope.refName !== undefined) return { kind: 'prompt', name: envelope.refName };
    return envelope.refUri === undefined ? undefined : { kind: 'resource', name: envelope.refUri };
  }
  return envelope.uri === undefined ? undefined : { kind: 'resource', name: envelope.uri };
}

/** A server with one source has no other owner, so its names need no list, unless they had to be shortened. */
function direct(server: CompiledServer, named: NamedCapability): Candidate | undefined {
  const [source, second] = server.sources;
  return source === undefined || second !== undefined ? undefined : unprefixed(source, named);
}

function unprefixed(source: CompiledSource, named: NamedCapability): Candidate | undefined {
  if (named.kind === 'resource') return { source, name: named.name };
  const prefix = source.outerPrefix + source.prefix;
  const name = named.name.slice(prefix.length);
  return named.name.startsWith(prefix) && nameOnServer(source, { kind: named.kind, name }) === named.name
    ? { source, name }
    : undefined;
}

function locate(call: Call, named: NamedCapability, list: ListKey, edge: Edge): Candidate | undefined {
  const { server } = call.exchange;
  const { era } = call.inbound;
  const known = edge.names.table(server, era, list).byExposed.get(named.name);
  if (known !== undefined) return known;
  if (named.kind !== 'resource') return undefined;
  const byTemplate =
    edge.names.table(server, era, 'resourceTemplates').byExposed.get(named.name)?.source ??
    edge.names.byTemplate(server, era, named.name);
  return byTemplate && { source: byTemplate, name: named.name };
}

const staleUpstreams = (call: Call, list: ListKey, edge: Edge) => [
  ...new Set(
    call.exchange.server.sources
      .map(({ upstream }) => upstream)
      .filter((upstream) => isStale(upstream, call.inbound.era, list, edge)),
  ),
];

function isStale(upstream: string, era: Era, list: ListKey, edge: Edge): boolean {
  const heardAtMs = edge.names.heardAtMs(upstream, era, list);
  return heardAtMs === undefined || edge.clock.now() - heardAtMs > STALE_MS;
}

/**
 * Names that no upstream listed. One that carries a prefix of exactly one upstream which has never been heard goes there, and meets
 * that upstream's own error; so does a URI that only one upstream can own.
 */
function lastResort(call: Call, named: NamedCapability, list: ListKey, edge: Edge): Candidate | undefined {
  const { sources } = call.exchange.server;
  const unheard = sources.filter((source) => edge.names.heardAtMs(source.upstream, call.inbound.era, list) === undefined);
  const possible =
    named.kind === 'resource'
      ? sources.filter(({ offers, denies }) => offers.resource(named.name) && !denies(named.name))
      : unheard.filter(({ outerPrefix, prefix }) => outerPrefix + prefix !== '');
  const candidates = possible.map((source) => unprefixed(source, named)).filter((candidate) => candidate !== undefined);
  return candidates.length === 1 ? candidates[0] : undefined;
}

function target(call: Call, { source, name }: Candidate, named: NamedCapability): Target {
  const upstream = call.exchange.catalog.upstreams.get(source.upstream);
  if (upstream === undefined) throw new Error(`the snapshot has no upstream ${source.upstream}`);
  return { source, upstream, capability: { kind: named.kind, name }, exposed: named.name };
}

function unknown({ kind, name }: NamedCapability): Refusal {
  return kind === 'resource'
    ? new Refusal('capability_unknown', 'This server has no such resource. List the resources for those that it has.', {
        uri: name,
      })
    : new Refusal('capability_unknown', `This server has no ${kind} of that name. List the ${kind}s for those that it has.`);
}
