import { aborted } from '../abort.js';
import { Cancellation } from '../cancellation.js';
import type { Edge } from '../edge.js';
import { type Ending, refused } from '../ending.js';
import type { Call } from '../exchange.js';
import { outboundContext } from '../outbound-context.js';
import { reachableUpstreams } from '../reachable.js';
import { Refusal } from '../refusal.js';
import type { UpstreamMessage } from '../upstream/link.js';
import { MODERN_META } from '../upstream/profile.js';
import { decide } from '../stages/authorize.js';
import { enterUpstream } from '../upstream-session.js';
import { isPooled } from '../legacy-pool.js';
import { type LegacyListening, listenLegacy } from './listen-legacy.js';
import { type Filter, filterSchema, type Notification, passes, union } from './listen-filter.js';
import * as z from 'zod';

const SUBSCRIPTION_ID = 'io.modelcontextprotocol/subscriptionId';
const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
/** Longest wait for the upstreams' acknowledgements; who is later is joined without being named in ours. */
const ACKNOWLEDGE_MS = 3_000;
/** Longest silence of a stream that has nothing to say. */
const SILENCE_MS = 24 * 3_600_000;

const listenParams = z.object({ notifications: filterSchema });

/**
 * `subscriptions/listen` (MCP 2026-07-28, "Subscriptions"): one stream to the client over a stream to each upstream that speaks the era.
 * The acknowledgement names what at least one upstream honours.
 */
export async function serveListen(call: Call, edge: Edge): Promise<Ending> {
  const { exchange, inbound } = call;
  const range = inbound.envelope.paramsRange;
  const params = listenParams.safeParse(range && JSON.parse(inbound.bytes.toString('utf8', range.start, range.end)));
  if (!params.success)
    return refused(
      new Refusal('invalid_params', 'subscriptions/listen needs params.notifications, an object of the types wanted.'),
    );
  const stop = new AbortController();
  const signal = AbortSignal.any([exchange.cancellation.signal, stop.signal]);
  const early: Notification[] = [];
  let acknowledged = false;
  const take = (message: Notification) => (acknowledged ? send(call, message) : void early.push(message));
  const streams = reachableUpstreams(call).map((upstream) =>
    openStream(call, upstream, params.data.notifications, signal, take, edge),
  );
  try {
    const ended = Promise.all(streams.map(({ ended }) => ended));
    const honoured = await Promise.race([Promise.all(streams.map(({ filter }) => filter)), ended.then(() => [])]);
    exchange.reply.standing = true;
    exchange.reply.openStream();
    await send(call, { jsonrpc: '2.0', method: ACKNOWLEDGED, params: { notifications: union(honoured) } });
    acknowledged = true;
    for (const message of early) await send(call, message);
    await Promise.race([ended, aborted(exchange.cancellation.signal)]);
  } finally {
    stop.abort();
  }
  // Also where the gateway is stopped: a stream that ends without this is taken for a broken connection.
  exchange.reply.json(200, finalResult(inbound.envelope.id));
  return { kind: 'streamed' };
}

const finalResult = (id: string) =>
  Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":{"resultType":"complete","_meta":{"${SUBSCRIPTION_ID}":${id}}}}`);

/** Sends under the client's own subscription id, which is the id of its request, verbatim. */
function send(call: Call, message: Notification): Promise<void> {
  const id = JSON.parse(call.inbound.envelope.id) as string | number;
  const params = { ...message.params, _meta: { ...message.params?._meta, [SUBSCRIPTION_ID]: id } };
  return call.exchange.reply.message(Buffer.from(JSON.stringify({ ...message, params })));
}

interface UpstreamStream {
  /** What the upstream honours; nothing when it does not say in time. */
  readonly filter: Promise<Filter>;
  readonly ended: Promise<void>;
}

function openStream(
  call: Call,
  upstream: string,
  asked: Filter,
  signal: AbortSignal,
  take: (message: Notification) => Promise<void> | void,
  edge: Edge,
): UpstreamStream {
  const { promise: filter, resolve: acknowledge } = Promise.withResolvers<Filter>();
  const timer = setTimeout(() => acknowledge({}), ACKNOWLEDGE_MS);
  const wanted = permitted(call, upstream, asked);
  const onNotification = ({ bytes, envelope }: UpstreamMessage) => {
    edge.lists.heard(upstream, envelope.method);
    const message = JSON.parse(bytes.toString('utf8')) as Notification;
    if (envelope.method === ACKNOWLEDGED) return acknowledge(filterSchema.safeParse(message.params?.notifications).data ?? {});
    return passes(wanted, envelope) ? take(message) : undefined;
  };
  const ended = listen(call, upstream, { wanted, signal, acknowledge, onNotification }, edge).finally(() => {
    clearTimeout(timer);
    acknowledge({});
  });
  return { filter, ended };
}

async function listen(
  call: Call,
  upstream: string,
  listening: Omit<LegacyListening, 'link' | 'context' | 'session'>,
  edge: Edge,
): Promise<void> {
  const { wanted, signal, onNotification } = listening;
  const context = await outboundContext(call, upstream, edge);
  if (context instanceof Refusal) return;
  const link = edge.links.get(upstream);
  const standing = await enterUpstream(call, link, context, edge);
  if (standing instanceof Refusal) return;
  if (isPooled(standing)) return listenLegacy({ ...listening, link, context, session: standing }, edge);
  const id = edge.ids.next();
  const body = Buffer.from(
    `{"jsonrpc":"2.0","id":${id},"method":"subscriptions/listen","params":${JSON.stringify({ notifications: wanted, _meta: MODERN_META })}}`,
  );
  const method = 'subscriptions/listen';
  await link.request({
    ...context,
    era: 'modern',
    revision: standing.revision,
    method,
    id,
    body,
    timeoutMs: SILENCE_MS,
    cancellation: Cancellation.following(signal),
    onNotification,
  });
}

/** Resources are subscribed to where the caller may read them. */
function permitted(call: Call, upstream: string, wanted: Filter): Filter {
  const { exchange, caller } = call;
  const sources = exchange.server.sources.filter((source) => source.upstream === upstream);
  const readable = wanted.resourceSubscriptions?.filter((name) =>
    sources.some((source) => decide(caller.principal, source, { kind: 'resource', name }, exchange.catalog).allowed),
  );
  return { ...wanted, ...(readable && { resourceSubscriptions: readable }) };
}
