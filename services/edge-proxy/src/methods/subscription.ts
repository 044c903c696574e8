import { resultResponse } from '@switchyard/mcp';
import { inTime } from '../changes/in-time.js';
import { FOLLOW_MS } from '../changes/stream-peers.js';
import type { Edge } from '../edge.js';
import { answered, type Ending, refused } from '../ending.js';
import type { Call } from '../exchange.js';
import { Refusal } from '../refusal.js';
import type { ClientSession, SessionRecord } from '../session-store.js';

/** Most that one session subscribes to: all of it is in its record. */
const MOST = 256;
const MOST_CHARACTERS = 64 * 1024;

/**
 * `resources/subscribe` and `resources/unsubscribe` of legacy clients (MCP 2025-11-25, "Subscriptions"). What a client has subscribed to
 * is kept with its session, so that the edge that holds its standing stream hears of it, whichever edge took the request, and hears
 * again after it has lost the upstream.
 * @param serve takes the request to its upstream, as any other
 */
export async function serveSubscription(
  call: Call,
  edge: Edge,
  serve: (call: Call, edge: Edge) => Promise<Ending>,
): Promise<Ending> {
  const { session } = call;
  const { method, uri, id } = call.inbound.envelope;
  if (session === undefined || uri === undefined) return serve(call, edge);
  if (method === 'resources/unsubscribe') {
    const ending = await serve(call, edge);
    let kept: string[] = [];
    // Also of what the client may not read any more, or nobody has.
    await edge.sessions.change(session, (record) => {
      kept = upstreamsOf(record, uri);
      return without(record, uri);
    });
    await Promise.all(kept.map((upstream) => follow(session, upstream, uri, edge)));
    return kept.length > 0 && ending.kind === 'refused' ? answered(resultResponse(id, '{}')) : ending;
  }
  if (isFull(session.record, uri))
    return refused(new Refusal('too_many_subscriptions', 'This session has subscribed to as many resources as it may.'));
  const ending = await serve(call, edge);
  if (ending.kind !== 'response' || ending.outcome !== 'ok') return ending;
  const { upstream } = call.exchange.facts;
  await edge.sessions.change(session, (record) => withSubscription(record, upstream, uri));
  const carried = await follow(session, upstream, uri, edge);
  if (carried === undefined || carried.includes(uri)) return ending;
  await edge.sessions.change(session, (record) => without(record, uri));
  return refused(new Refusal('capability_unknown', `${upstream} does not tell when this resource changes.`, { uri, upstream }));
}

/** @returns what the upstream tells the holder of the session's stream; undefined where there is none, or that is not known in time */
async function follow(session: ClientSession, upstream: string, uri: string, edge: Edge): Promise<readonly string[] | undefined> {
  const { stream } = session.record;
  if (session.standing !== undefined) {
    const carried = await inTime(session.standing.follow(upstream, uri), FOLLOW_MS);
    return carried && (carried.resourceSubscriptions ?? []);
  }
  return stream === undefined || stream === edge.asks.boot ? undefined : edge.streamPeers.follow(stream, session.id, upstream);
}

const upstreamsOf = ({ subscriptions = {} }: SessionRecord, uri: string): string[] =>
  Object.keys(subscriptions).filter((upstream) => subscriptions[upstream]?.includes(uri));

function isFull({ subscriptions = {} }: SessionRecord, uri: string): boolean {
  const uris = Object.values(subscriptions).flat();
  const characters = uris.reduce((sum, { length }) => sum + length, uri.length);
  return !uris.includes(uri) && (uris.length >= MOST || characters > MOST_CHARACTERS);
}

function withSubscription(record: SessionRecord, upstream: string, uri: string): SessionRecord {
  const uris = record.subscriptions?.[upstream] ?? [];
  return uris.includes(uri) ? record : { ...record, subscriptions: { ...record.subscriptions, [upstream]: [...uris, uri] } };
}

function without(record: SessionRecord, uri: string): SessionRecord {
  const { subscriptions = {} } = record;
  const left = Object.entries(subscriptions)
    .map(([upstream, uris]) => [upstream, uris.filter((one) => one !== uri)] as const)
    .filter(([, uris]) => uris.length > 0);
  return { ...record, subscriptions: Object.fromEntries(left) };
}
