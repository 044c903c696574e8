import type { CredentialMaterial } from '@switchyard/contracts';
import { formatTraceparent, newTraceContext } from '@switchyard/telemetry';
import { randomUUID } from 'node:crypto';
import { hashOf } from './connection-changes.js';
import { principalOf } from './credential-scope.js';
import type { Edge } from './edge.js';
import type { UpstreamLink } from './upstream/link.js';
import { leaveLink } from './upstream-session.js';

/**
 * Has everything end that was made with a principal's credential as soon as the vault says that their connection is another now, or no
 * more: leases, links and what stands on them, sessions with the upstream. Whoever listens is told that lists have changed.
 */
export function followConnections(edge: Edge): void {
  const owners = new WeakMap<UpstreamLink, string>();
  const ownerOf = (link: UpstreamLink): string => {
    const known = owners.get(link);
    if (known !== undefined) return known;
    const principal = principalOf(link.scope);
    const owner = principal === undefined ? '' : hashOf(principal);
    owners.set(link, owner);
    return owner;
  };
  edge.connections.onChange((change) => {
    const leased = edge.leases.drop(change);
    // Another token of the same account: all else goes on.
    if (change.state === 'refreshed') return;
    // An upstream that refuses a credential refuses its sessions as well, and they go on once it takes it again.
    if (change.state !== 'reauth_required') {
      for (const link of edge.links.scoped(change.upstream))
        if (ownerOf(link) === change.who) end(link, leased.get(link.scope), edge);
    }
    edge.views.reconnect(change);
  });
}

/** @param credential that the sessions were opened with, where it is still at hand: the upstream is told with it */
function end(link: UpstreamLink, credential: CredentialMaterial | undefined, edge: Edge): void {
  const { name: upstream, scope } = link;
  const principal = principalOf(scope);
  if (principal === undefined) return;
  const traceparent = formatTraceparent(newTraceContext());
  const context = credential && { scope, credential, requestId: randomUUID(), traceparent, owner: scope };
  edge.links.drop(upstream, scope);
  Promise.all([edge.pool.endOver(link), leaveLink(link, edge.sessions.heldOf(principal), context, edge)]).catch(
    (error: unknown) => edge.log.error('sessions with an upstream did not end with their connection', { upstream, error }),
  );
}
