import type { CredentialMaterial } from '@switchyard/contracts';
import { childOf, formatTraceparent } from '@switchyard/telemetry';
import type { Edge } from './edge.js';
import type { Call } from './exchange.js';
import { Refusal } from './refusal.js';
import type { OutboundContext } from './upstream/link.js';

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
  const leased = edge.leases.lease(upstream, caller.principal, exchange.requestId);
  if (leased instanceof Promise) return leased.then((credential) => withCredential(call, upstreamName, credential, edge));
  return withCredential(call, upstreamName, leased, edge);
}

function withCredential(
  { exchange, caller, session }: Omit<Call, 'inbound'>,
  upstreamName: string,
  credential: CredentialMaterial | Refusal,
  edge: Edge,
): OutboundContext | Refusal {
  if (credential instanceof Refusal) return credential;
  if (!edge.links.has(upstreamName)) return removed(upstreamName);
  const owner = session === undefined ? caller.who : session.id;
  return { credential, requestId: exchange.requestId, traceparent: formatTraceparent(childOf(exchange.trace)), owner };
}

const removed = (upstream: string) =>
  new Refusal('upstream_unavailable', `${upstream} is no longer part of the gateway's configuration.`, { upstream });
