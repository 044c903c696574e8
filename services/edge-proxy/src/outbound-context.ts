import { childOf, formatTraceparent } from '@switchyard/telemetry';
import type { Edge } from './edge.js';
import type { Call } from './exchange.js';
import { Refusal } from './refusal.js';
import type { OutboundContext } from './upstream/link.js';

/** What every message of this call to an upstream carries: the leased credential, the request id, and a trace context of its own span. */
export async function outboundContext(
  call: Omit<Call, 'inbound'>,
  upstreamName: string,
  edge: Edge,
): Promise<OutboundContext | Refusal> {
  const { exchange, caller } = call;
  const upstream = exchange.catalog.upstreams.get(upstreamName);
  if (upstream === undefined) throw new Error(`the snapshot has no upstream ${upstreamName}`);
  const credential = await edge.leases.lease(upstream, caller.principal, exchange.requestId);
  if (credential instanceof Refusal) return credential;
  return { credential, requestId: exchange.requestId, traceparent: formatTraceparent(childOf(exchange.trace)) };
}
