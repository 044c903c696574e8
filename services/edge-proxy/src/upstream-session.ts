import type { Caller, Call, Exchange } from './exchange.js';
import { Cancellation } from './cancellation.js';
import { EVERYBODY } from './credential-scope.js';
import type { Edge } from './edge.js';
import { outboundContext } from './outbound-context.js';
import { Refusal } from './refusal.js';
import type { ClientSession, SessionRecord } from './session-store.js';
import { tellLogLevel } from './upstream-log-level.js';
import { isShared } from './changes/own-subscriptions.js';
import { tellSubscription } from './upstream-subscription.js';
import { isSseSession } from './upstream/sse-sessions.js';
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
): LegacySession | UpstreamProfile | Refusal | Promise<LegacySession | UpstreamProfile | Refusal> {
  if (call.session !== undefined) return upstreamSession(call.session, link, context, edge);
  const found = link.discover(context, call.exchange.cancellation);
  if (found instanceof Promise) return found.then((late) => orPooled(late, call, link, context, edge));
  return orPooled(found, call, link, context, edge);
}

/** What does not speak a modern client's era is spoken to in the other, on a session of the pool. */
function orPooled(
  found: UpstreamProfile | Refusal,
  call: Call,
  link: UpstreamLink,
  context: OutboundContext,
  edge: Edge,
): UpstreamProfile | Refusal | Promise<LegacySession | Refusal> {
  return found instanceof Refusal && found.reason === 'era_mismatch' ? edge.pool.enter(call, link, context) : found;
}

/**
 * Forgets a session that the upstream has ended, so that the next call opens another. Calls that learn of the end later, with another
 * already open, change nothing.
 */
export async function leaveUpstream(session: ClientSession, upstream: string, ended: UpstreamProfile): Promise<void> {
  const known = session.links.get(upstream);
  if (known === undefined || (await known.opening) !== ended || session.links.get(upstream) !== known) return;
  session.links.delete(upstream);
  session.record = withUpstream(session.record, upstream, undefined);
}

/**
 * Ends the sessions of clients with an upstream over a link whose credential is another now, or no more.
 * @param context what the upstream is still told with; absent: it is not told
 */
export async function leaveLink(
  link: UpstreamLink,
  sessions: readonly ClientSession[],
  context: OutboundContext | undefined,
  edge: Edge,
): Promise<void> {
  await Promise.all(
    sessions.map(async (session) => {
      const known = session.links.get(link.name);
      if (known?.link !== link) return;
      const standing = await known.opening;
      // What has been opened since stays.
      const isStored = (record: SessionRecord) =>
        !(standing instanceof Refusal) && standing.id !== undefined && storedSession(record, link)?.id === standing.id;
      if (isStored(session.record))
        await edge.sessions.change(session, (record) => (isStored(record) ? withUpstream(record, link.name, undefined) : record));
      if (session.links.get(link.name) === known) session.links.delete(link.name);
      if (!(standing instanceof Refusal) && context !== undefined) await link.closeLegacy(standing, context, session.id);
    }),
  );
}

/** Ends the upstream sessions of a client session that has ended. */
export async function leaveAll(
  call: { readonly exchange: Exchange; readonly caller: Caller; readonly session: ClientSession },
  session: ClientSession,
  edge: Edge,
): Promise<void> {
  await Promise.all(
    [...session.links].map(async ([upstream, { link, opening }]) => {
      const standing = await opening;
      const context = await outboundContext(call, upstream, edge);
      if (!(standing instanceof Refusal) && !(context instanceof Refusal)) await link.closeLegacy(standing, context, session.id);
    }),
  );
}

/** The client session's own session with an upstream. Calls that need it at the same time share one handshake. */
export function upstreamSession(
  session: ClientSession,
  link: UpstreamLink,
  context: OutboundContext,
  edge: Edge,
): Promise<LegacySession | Refusal> {
  const known = session.links.get(link.name);
  if (known?.link === link) return known.opening;
  // What stood with an earlier definition of the upstream is not a session with this one.
  const stored = known === undefined ? storedSession(session.record, link) : undefined;
  const opening = stored ? Promise.resolve(stored) : open(session, link, context, edge);
  session.links.set(link.name, { link, opening });
  const forget = () => {
    if (session.links.get(link.name)?.opening === opening) session.links.delete(link.name);
  };
  opening.then((opened) => (opened instanceof Refusal ? forget() : undefined), forget);
  return opening;
}

/** One that was opened with another credential, as where the caller has changed teams since, is not a session of this one. */
function storedSession({ upstreams }: SessionRecord, { name, scope }: UpstreamLink) {
  const stored = Object.hasOwn(upstreams, name) ? upstreams[name] : undefined;
  return stored !== undefined && (stored.scope ?? EVERYBODY) === scope ? stored : undefined;
}

async function open(
  session: ClientSession,
  link: UpstreamLink,
  context: OutboundContext,
  edge: Edge,
): Promise<LegacySession | Refusal> {
  // Belongs to the session, not to the call that happens to need it first, so no caller's departure ends it.
  const opened = await openEither(session, link, context);
  if (opened instanceof Refusal) return opened;
  const kept = opened.id === undefined || isSseSession(opened.id) ? undefined : opened;
  if (kept !== undefined || storedSession(session.record, link) !== undefined)
    await edge.sessions.change(session, (record) =>
      withUpstream(record, link.name, kept && { ...kept, ...(link.scope !== EVERYBODY && { scope: link.scope }) }),
    );
  const { logLevel } = session.record;
  if (logLevel !== undefined) await tellLogLevel(link, opened, logLevel, context, edge);
  if (isShared(opened)) await subscribeAgain(session, link, opened, context, edge);
  session.standing?.entered(link, opened);
  return opened;
}

/** What the client had subscribed to in a session that the upstream has ended. */
async function subscribeAgain(
  { id, record }: ClientSession,
  link: UpstreamLink,
  standing: LegacySession,
  context: OutboundContext,
  edge: Edge,
): Promise<void> {
  const at = { link, session: standing, context, subscriber: id };
  const uris = record.subscriptions?.[link.name] ?? [];
  await Promise.all(uris.map((uri) => tellSubscription('resources/subscribe', uri, at, edge)));
}

/** A session of the legacy era where the upstream has one; else its word that it is modern. */
async function openEither(
  session: ClientSession,
  link: UpstreamLink,
  context: OutboundContext,
): Promise<LegacySession | Refusal> {
  const opened = await link.openLegacy(context, new Cancellation(), session.record.capabilities);
  if (!(opened instanceof Refusal) || opened.reason !== 'era_mismatch') return opened;
  const profile = await link.discover(context, new Cancellation());
  return profile instanceof Refusal ? profile : { ...profile, era: 'modern' };
}

function withUpstream(
  record: SessionRecord,
  upstream: string,
  standing: SessionRecord['upstreams'][string] | undefined,
): SessionRecord {
  const { [upstream]: _before, ...others } = record.upstreams;
  return { ...record, upstreams: standing === undefined ? others : { ...others, [upstream]: standing } };
}
