import {
  capabilitiesFor,
  MODERN_REVISIONS,
  LEGACY_REVISIONS,
  negotiateLegacy,
  resultResponse,
  revisionOf,
} from '@switchyard/mcp';
import { clientInfo, NO_CLIENT } from '../client-facts.js';
import type { Edge } from '../edge.js';
import { answered, type Ending, refused } from '../ending.js';
import type { Call } from '../exchange.js';
import { ownEraDeclared, ownEraOffers } from '../extensions.js';
import { GATEWAY_INFO } from '../gateway-info.js';
import { outboundContext } from '../outbound-context.js';
import { reachableUpstreams } from '../reachable.js';
import { Refusal } from '../refusal.js';
import type { SessionRecord } from '../session-store.js';
import { hasSubscriptions } from '../upstream-subscription.js';
import { enterUpstream } from '../upstream-session.js';
import type { UpstreamProfile } from '../upstream/link.js';
import { CARRIED_CAPABILITIES } from '../upstream/profile.js';
import * as z from 'zod';

/** Longest that a client waits for upstreams at its handshake; who is later than this joins later. */
const HANDSHAKE_WAIT_MS = 4_000;

const initializeParams = z.object({
  protocolVersion: z.string(),
  clientInfo: clientInfo.optional(),
  capabilities: z.unknown(),
});

/** `initialize` (MCP 2025-11-25, "Lifecycle"): opens a session of the client's, and behind it one with every upstream that answers. */
export async function serveInitialize(call: Call, edge: Edge): Promise<Ending> {
  const { exchange, caller, inbound } = call;
  const params = initializeParams.safeParse(paramsOf(call));
  if (!params.success) return refused(new Refusal('invalid_params', 'initialize needs params.protocolVersion, a string.'));
  const revision = negotiateLegacy(params.data.protocolVersion);
  const client = params.data.clientInfo ?? NO_CLIENT;
  const record: SessionRecord = {
    server: exchange.server.slug,
    issuer: caller.principal.issuer,
    subject: caller.principal.subject,
    clientId: caller.clientId,
    revision,
    clientName: client.client_name,
    clientVersion: client.client_version,
    capabilities: carried(params.data.capabilities, revision),
    upstreams: {},
  };
  const session = call.session ?? (await edge.sessions.open(record));
  // Over HTTP with SSE the session is there with its stream, and learns now whose it is.
  if (call.session !== undefined)
    await edge.sessions.change(session, ({ upstreams, holder }) => ({ ...record, upstreams, holder }));
  exchange.facts.session = session.rendered;
  exchange.facts.revision = revision;
  exchange.facts.client_name = client.client_name;
  exchange.facts.client_version = client.client_version;
  const standings = await enterAll({ ...call, session }, edge);
  const profiles = standings.filter((standing): standing is UpstreamProfile => !(standing instanceof Refusal));
  const [first] = standings;
  if (first instanceof Refusal && allOfOtherEra(standings)) {
    if (call.session === undefined) await edge.sessions.close(session);
    return refused(first);
  }
  const result = {
    protocolVersion: revision,
    capabilities: { ...joinCapabilities(standings), ...ownEraOffers(call, profiles, revision) },
    serverInfo: GATEWAY_INFO,
    ...instructions(profiles),
  };
  return answered(resultResponse(inbound.envelope.id, JSON.stringify(result)), { 'mcp-session-id': session.id });
}

/** What upstreams may be told of a client: what its revision has, and the gateway carries. */
function carried(declared: unknown, revision: string): Readonly<Record<string, unknown>> {
  const table = revisionOf(revision);
  if (table === undefined) throw new Error(`${revision} was negotiated, but is not served`);
  return { ...capabilitiesFor(declared, table, CARRIED_CAPABILITIES), ...ownEraDeclared(declared) };
}

/** `server/discover` (MCP 2026-07-28, "Discovery"): what the upstreams that speak the modern era can do together. */
export async function serveDiscover(call: Call, edge: Edge): Promise<Ending> {
  const standings = await enterAll(call, edge);
  const profiles = standings.filter((standing): standing is UpstreamProfile => !(standing instanceof Refusal));
  // An upstream that is away may be of either era. Sessions can still reach it when it is back; a client told "modern" never would.
  if (profiles.length === 0 && !standings.some(isUnconnected)) return refused(legacyOnly(call.inbound.revision));
  const result = {
    supportedVersions: MODERN_REVISIONS,
    capabilities: { ...joinCapabilities(standings), ...ownEraOffers(call, profiles, call.inbound.revision) },
    ...instructions(profiles),
    resultType: 'complete',
    ttlMs: 0,
    cacheScope: 'private',
    _meta: { 'io.modelcontextprotocol/serverInfo': GATEWAY_INFO },
  };
  return answered(resultResponse(call.inbound.envelope.id, JSON.stringify(result)));
}

/** Whether there are upstreams, and each is known to speak the other era only. */
export function allOfOtherEra(standings: readonly unknown[]): boolean {
  return standings.length > 0 && standings.every((standing) => standing instanceof Refusal && standing.reason === 'era_mismatch');
}

/** Tells a modern client that nothing behind this server is known to be modern, in the form that makes clients fall back (MCP 2026-07-28, "Versioning and compatibility"). */
export function legacyOnly(requested: string): Refusal {
  return new Refusal(
    'unsupported_version',
    'No upstream of this server is known to speak your revision: initialize with one of the supported versions.',
    {
      supported: LEGACY_REVISIONS,
      requested,
    },
  );
}

/** Knocks side by side at every upstream that the caller may reach; those that have not answered in time are left to finish by themselves. */
export async function enterAll(call: Call, edge: Edge): Promise<(UpstreamProfile | Refusal)[]> {
  const upstreams = reachableUpstreams(call);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Refusal>((resolve) => {
    timer = setTimeout(
      () => resolve(new Refusal('upstream_timeout', 'The upstream did not answer the handshake in time.')),
      HANDSHAKE_WAIT_MS,
    );
  });
  const standings = await Promise.all(upstreams.map((upstream) => Promise.race([enter(call, upstream, edge), late])));
  clearTimeout(timer);
  return standings;
}

async function enter(call: Call, upstream: string, edge: Edge): Promise<UpstreamProfile | Refusal> {
  const context = await outboundContext(call, upstream, edge);
  return context instanceof Refusal ? context : enterUpstream(call, edge.links.get(upstream, context.scope), context, edge);
}

const GIVEN_ON = ['prompts', 'resources', 'completions', 'logging'] as const;

/** What it can do is not known yet; the gateway bridges eras, so it can be reached in any once the caller has connected. */
const isUnconnected = (standing: UpstreamProfile | Refusal) =>
  standing instanceof Refusal && standing.reason === 'connection_required';

/**
 * The union. Tools are always announced: `gateway_status` is one. That lists change is announced whatever upstreams say: the gateway
 * itself tells when the configuration changes them. Where the caller is still to connect to an upstream, prompts and resources are
 * announced as well: whoever connects does not have to begin anew with the gateway.
 */
function joinCapabilities(standings: readonly (UpstreamProfile | Refusal)[]): Record<string, object> {
  const profiles = standings.filter((standing): standing is UpstreamProfile => !(standing instanceof Refusal));
  const joined: Record<string, object> = { tools: { listChanged: true } };
  if (standings.some(isUnconnected)) Object.assign(joined, { prompts: {}, resources: {} });
  for (const name of GIVEN_ON) {
    const offers = profiles
      .map(({ capabilities }) => capabilities[name])
      .filter((offer) => typeof offer === 'object' && offer !== null);
    if (offers.length > 0) joined[name] = Object.assign({}, ...offers) as object;
  }
  if (joined.prompts) joined.prompts = { ...joined.prompts, listChanged: true };
  if (joined.resources) joined.resources = { ...joined.resources, listChanged: true, subscribe: profiles.some(hasSubscriptions) };
  return joined;
}

function instructions(profiles: readonly UpstreamProfile[]): { instructions?: string } {
  const texts = profiles.map((profile) => profile.instructions).filter((text) => text !== '');
  return texts.length > 0 ? { instructions: texts.join('\n\n') } : {};
}

function paramsOf({ inbound }: Call): unknown {
  const range = inbound.envelope.paramsRange;
  return range && (JSON.parse(inbound.bytes.toString('utf8', range.start, range.end)) as unknown);
}
