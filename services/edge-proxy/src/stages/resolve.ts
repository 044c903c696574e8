import type { Upstream } from '@switchyard/contracts';
import type { Envelope } from '@switchyard/mcp';
import { isAppPage } from '../app-resources.js';
import { type ListKey, secondPrefix } from '../capability-names.js';
import type { CompiledServer, CompiledSource } from '../catalog.js';
import type { Edge } from '../edge.js';
import type { Call } from '../exchange.js';
import type { Reason } from '../ladder.js';
import { fetchLists } from '../methods/fetch-list.js';
import { nameOnServer, type NamedCapability } from '../names.js';
import { reachableSources } from '../reachable.js';
import { Refusal } from '../refusal.js';
import { decide } from './authorize.js';

/** What a call is for: which upstream, and its own name for the capability. */
export interface Target {
  readonly source: CompiledSource;
  readonly upstream: Upstream;
  readonly capability: NamedCapability;
  /** As the client names it. */
  readonly exposed: string;
}

/** Finds what a call is for, from memory; upstreams are asked for their lists, and a promise given, only where a name is not known yet. */
export function resolve(call: Call, edge: Edge): Target | Refusal | Promise<Target | Refusal> {
  const { envelope } = call.inbound;
  const named = namedBy(envelope);
  if (named === undefined)
    return new Refusal(
      'invalid_params',
      `${envelope.method} needs a ${envelope.method.startsWith('resources/') ? 'params.uri' : 'params.name'} that is a string.`,
    );
  const list: ListKey = named.kind === 'tool' ? 'tools' : named.kind === 'prompt' ? 'prompts' : 'resources';
  const found =
    direct(call.exchange.server, named) ?? (hasUnheardPage(call, named, edge) ? undefined : locate(call, named, list, edge));
  return found === undefined ? ask(call, named, list, edge) : target(call, found, named);
}

async function ask(call: Call, named: NamedCapability, list: ListKey, edge: Edge): Promise<Target | Refusal> {
  const reachable = reachableSources(call);
  if (reachable.length === 0) return nothingReachable(call);
  const possible = reachable.filter((source) => mayOffer(source, named)).map(({ upstream }) => upstream);
  const refusals = await fetchLists(
    call,
    [...new Set(possible)],
    isAppPage(named)
      ? ['tools', 'resources', 'resourceTemplates']
      : named.kind === 'resource'
        ? ['resources', 'resourceTemplates']
        : [list],
    edge,
  );
  const second = locate(call, named, list, edge) ?? lastResort(call, named, list, edge);
  if (second !== undefined) return target(call, second, named);
  return unheardOwner(call, named, list, reachable, refusals, edge) ?? unknown(named);
}

/** Reasons for which a list that was not had says nothing of what is on it. */
const AWAY: ReadonlySet<Reason> = new Set(['upstream_unavailable', 'upstream_timeout', 'connection_required']);

/**
 * A name that nobody listed may be one of an upstream that has never been heard: then that upstream is what is missing, not the name.
 * Only where the caller might use it there: of others nothing is told. Where the caller's connection is what is missing, the call goes
 * there, and meets that.
 */
function unheardOwner(
  call: Call,
  named: NamedCapability,
  list: ListKey,
  reachable: readonly CompiledSource[],
  refusals: ReadonlyMap<string, Refusal>,
  edge: Edge,
): Target | Refusal | undefined {
  const { exchange, caller, inbound } = call;
  for (const source of reachable) {
    const refusal = refusals.get(source.upstream);
    const own = unprefixed(source, named);
    if (refusal === undefined || own === undefined || !AWAY.has(refusal.reason)) continue;
    if (edge.names.heardAtMs(source.upstream, inbound.era, list) !== undefined) continue;
    if (!decide(caller.principal, source, { kind: named.kind, name: own.name }, exchange.catalog).allowed) continue;
    return refusal.reason === 'connection_required' ? target(call, own, named) : refusal;
  }
  return undefined;
}

/** No rule speaks to the caller, so that no upstream may be asked on its behalf, not even for a name. */
function nothingReachable(call: Call): Refusal {
  call.exchange.facts.detail = { because: 'no_rule_grants' };
  call.exchange.facts.ruledBy(`servers.${call.exchange.server.slug}.access`);
  return new Refusal(
    'policy_denied',
    `You may not use anything here. Ask the gateway’s administrators for access to it (server "${call.exchange.server.slug}").`,
  );
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

/** How names end that had to be changed: the upstream's own cannot be told from them. */
const ALIAS = /_[0-9a-f]{8}$/;

/** A server with one source has no other owner, so its names need no list, unless they had to be changed. */
function direct(server: CompiledServer, named: NamedCapability): Candidate | undefined {
  const [source, second] = server.sources;
  if (source === undefined || second !== undefined) return undefined;
  return named.kind !== 'resource' && ALIAS.test(named.name) ? undefined : unprefixed(source, named);
}

/** Whether the name, as the client has it, can be one of this source's. */
function mayOffer(source: CompiledSource, { kind, name }: NamedCapability): boolean {
  if (kind === 'resource') return source.offers.resource(name) && !source.denies(name);
  return name.startsWith(source.outerPrefix + source.prefix) || name.startsWith(secondPrefix(source)) || ALIAS.test(name);
}

function unprefixed(source: CompiledSource, named: NamedCapability): Candidate | undefined {
  if (named.kind === 'resource') return { source, name: named.name };
  const prefix = source.outerPrefix + source.prefix;
  const name = named.name.slice(prefix.length);
  return named.name.startsWith(prefix) && nameOnServer(source, { kind: named.kind, name }) === named.name
    ? { source, name }
    : undefined;
}

/** Whose page it is, is known only when all tools are. */
const hasUnheardPage = (call: Call, named: NamedCapability, edge: Edge) =>
  isAppPage(named) && !edge.apps.knows(reachableSources(call));

function locate(call: Call, named: NamedCapability, list: ListKey, edge: Edge): Candidate | undefined {
  const { server } = call.exchange;
  const owners = isAppPage(named) ? edge.apps.sources(server, named.name) : [];
  if (owners.length > 0)
    return firstOpen(
      call,
      named,
      owners.map((source) => ({ source, name: named.name })),
    );
  const { era } = call.inbound;
  const known = edge.names.table(server, era, list).byExposed.get(named.name);
  if (known !== undefined) return firstOpen(call, named, known);
  if (named.kind !== 'resource') return undefined;
  const template = edge.names.table(server, era, 'resourceTemplates').byExposed.get(named.name);
  const sources = template?.map(({ source }) => source) ?? edge.names.byTemplate(server, era, named.name);
  return firstOpen(
    call,
    named,
    sources.map((source) => ({ source, name: named.name })),
  );
}

/** Of several that have it, the first that the caller may use; where there is none, the first, which then is denied. */
function firstOpen(call: Call, { kind }: NamedCapability, candidates: readonly Candidate[]): Candidate | undefined {
  const { exchange, caller } = call;
  const isOpen = ({ source, name }: Candidate) => decide(caller.principal, source, { kind, name }, exchange.catalog).allowed;
  return (candidates.length > 1 ? candidates.find(isOpen) : undefined) ?? candidates[0];
}

/**
 * Names that no upstream listed. One that carries a prefix of exactly one upstream which has never been heard goes there, and meets
 * that upstream's own error; so does a URI that only one upstream can own, and anything where there is only one source.
 */
function lastResort(call: Call, named: NamedCapability, list: ListKey, edge: Edge): Candidate | undefined {
  const { sources } = call.exchange.server;
  if (sources.length === 1) return unprefixed(sources[0]!, named);
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
