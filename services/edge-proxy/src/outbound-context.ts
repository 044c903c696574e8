import type { CredentialMaterial } from '@switchyard/contracts';
import { childOf, formatTraceparent } from '@switchyard/telemetry';
import { credentialScope } from './credential-scope.js';
import type { Edge } from './edge.js';
import type { Call } from './exchange.js';
import { Refusal } from './refusal.js';
import type { OutboundContext, UpstreamLink } from './upstream/link.js';

/**
 * What every message of this call to an upstream carries: the leased credential, the request id, and a trace context of its own span.
 * @returns a promise only where the vault has to be asked; a refusal also where the configuration has lost the upstream since; otherwise it has a link in the turn in which this resolves
 */
export function outboundContext(
  call: Omit<Call, 'inbound'>,
  upstreamName: string,
  edge: Edge,
): OutboundContext | Refusal | Promise<OutboundContext | Refusal> {
  const { exchange, caller } = call;
  const upstream = exchange.catalog.upstreams.get(upstreamName);
  if (upstream === undefined) return removed(upstreamName);
  const scope = credentialScope(upstream, caller, exchange.catalog);
  if (scope instanceof Refusal) return scope;
  const leased = edge.leases.lease(upstream, scope, call);
  if (leased instanceof Promise) return leased.then((credential) => withCredential(call, upstreamName, scope, credential, edge));
  return withCredential(call, upstreamName, scope, leased, edge);
}

/** The link that messages of this call to an upstream go over, where there is one already. */
export function standingLink(call: Omit<Call, 'inbound'>, upstreamName: string, edge: Edge): UpstreamLink | undefined {
  const { exchange, caller } = call;
  const upstream = exchange.catalog.upstreams.get(upstreamName);
  const scope = upstream && credentialScope(upstream, caller, exchange.catalog);
  return scope === undefined || scope instanceof Refusal ? undefined : edge.links.find(upstreamName, scope);
}

function withCredential(
  call: Omit<Call, 'inbound'>,
  upstreamName: string,
  scope: string,
  credential: CredentialMaterial | Refusal,
  edge: Edge,
): OutboundContext | Refusal {
  if (credential instanceof Refusal) return credential;
  if (!edge.links.has(upstreamName)) return removed(upstreamName);
  if (!edge.links.hasRoom(upstreamName, scope)) return busy(upstreamName);
  const { exchange, caller, session } = call;
  const owner = session === undefined ? caller.key : session.id;
  const traceparent = formatTraceparent(childOf(exchange.trace));
  return { scope, credential, behalf: call, requestId: exchange.requestId, traceparent, owner };
}

const busy = (upstream: string) =>
  new Refusal('upstream_unavailable', `${upstream} is in use by as many callers as it can be. Try again shortly.`, { upstream });

const removed = (upstream: string) =>
  new Refusal('upstream_unavailable', `${upstream} is no longer part of the gateway's configuration.`, { upstream });
