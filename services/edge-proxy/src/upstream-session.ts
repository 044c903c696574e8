import type { Call } from './exchange.js';
import type { Edge } from './edge.js';
import { Refusal } from './refusal.js';
import type { ClientSession } from './session-store.js';
import type { LegacySession, OutboundContext, UpstreamLink, UpstreamProfile } from './upstream/link.js';

/**
 * The standing with an upstream that a call needs: for legacy callers a session, opened where there is none and kept with the client's
 * own; for modern ones the knowledge that the upstream speaks their era.
 */
export function enterUpstream(
  call: Call,
  link: UpstreamLink,
  context: OutboundContext,
  edge: Edge,
): Promise<LegacySession | UpstreamProfile | Refusal> {
  if (call.session === undefined) return link.discover(context, call.exchange.signal);
  return upstreamSession(call.session, link, context, edge);
}

/** Forgets a session that the upstream has ended, so that the next call opens another. */
export function leaveUpstream(session: ClientSession, upstream: string): void {
  session.links.delete(upstream);
  const { [upstream]: _ended, ...upstreams } = session.record.upstreams;
  session.record = { ...session.record, upstreams };
}

/** The client session's own session with an upstream. Calls that need it at the same time share one handshake. */
export function upstreamSession(
  session: ClientSession,
  link: UpstreamLink,
  context: OutboundContext,
  edge: Edge,
): Promise<LegacySession | Refusal> {
  const stored = session.record.upstreams[link.name];
  const known = session.links.get(link.name);
  if (known !== undefined) return known;
  const opening = stored ? Promise.resolve(stored) : open(session, link, context, edge);
  session.links.set(link.name, opening);
  return opening;
}

async function open(
  session: ClientSession,
  link: UpstreamLink,
  context: OutboundContext,
  edge: Edge,
): Promise<LegacySession | Refusal> {
  try {
    // Belongs to the session, not to the call that happens to need it first, so no caller's departure ends it.
    const opened = await link.openLegacy(context, new AbortController().signal);
    if (opened instanceof Refusal) {
      session.links.delete(link.name);
      return opened;
    }
    if (opened.id !== undefined) {
      await edge.sessions.change(session, (record) => ({ ...record, upstreams: { ...record.upstreams, [link.name]: opened } }));
    }
    session.onUpstream?.(link.name, opened);
    return opened;
  } catch (error) {
    session.links.delete(link.name);
    throw error;
  }
}
