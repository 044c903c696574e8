import type { Edge } from '../edge.js';
import type { Ending } from '../ending.js';
import { refused } from '../ending.js';
import type { Call } from '../exchange.js';
import { outranks } from '../log-levels.js';
import { outboundContext } from '../outbound-context.js';
import { Refusal } from '../refusal.js';
import type { ClientSession } from '../session-store.js';
import type { LegacySession, UpstreamMessage } from '../upstream/link.js';

/** What upstreams may say by themselves; everything else of theirs has no place on a client's stream. */
const RELAYED = new Set([
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
  'notifications/resources/updated',
  'notifications/message',
]);

/**
 * A legacy session's standing stream (MCP 2025-11-25, "Listening for Messages from the Server"): carries what the session's upstreams
 * say by themselves, until the client or the gateway ends it.
 */
export async function serveEventStream(call: Omit<Call, 'inbound'>, session: ClientSession, edge: Edge): Promise<Ending> {
  const { exchange } = call;
  if (session.onUpstream !== undefined)
    return refused(new Refusal('stream_conflict', 'This session has its stream already; a session has one.'));
  const stops: (() => void)[] = [];
  const attach = async (upstream: string, standing: LegacySession) => {
    const context = await outboundContext(call, upstream, edge);
    if (context instanceof Refusal || exchange.signal.aborted) return;
    const onMessage = (message: UpstreamMessage) => void relay(call, session, message);
    stops.push(edge.links.get(upstream).listen(standing, context, { session: session.id, onMessage }));
  };
  session.onUpstream = (upstream, standing) => {
    attach(upstream, standing).catch((error: unknown) =>
      edge.log.error('a stream could not join an upstream', { error, upstream }),
    );
  };
  exchange.reply.standing = true;
  exchange.reply.openStream({ 'mcp-session-id': session.id });
  for (const [upstream, opening] of session.links) {
    const standing = await opening;
    if (!(standing instanceof Refusal)) await attach(upstream, standing);
  }
  await new Promise((resolve) => exchange.signal.addEventListener('abort', resolve, { once: true }));
  session.onUpstream = undefined;
  for (const stop of stops) stop();
  exchange.reply.end();
  return { kind: 'streamed' };
}

function relay(call: Omit<Call, 'inbound'>, session: ClientSession, { bytes, envelope }: UpstreamMessage): Promise<void> | void {
  if (!RELAYED.has(envelope.method)) return;
  if (envelope.method === 'notifications/message' && outranks(session.record.logLevel, bytes)) return;
  return call.exchange.reply.message(bytes);
}
