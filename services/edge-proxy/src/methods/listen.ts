import { META_KEYS } from '@switchyard/mcp';
import { type Filter, filterOf, filterSchema, kindsOf, passes, union } from '../changes/filter.js';
import { Heard } from '../changes/heard.js';
import { inTime } from '../changes/in-time.js';
import { type Audience, Listening } from '../changes/listening.js';
import { ACKNOWLEDGED } from '../changes/modern-source.js';
import type { Edge } from '../edge.js';
import { type Ending, refused } from '../ending.js';
import type { Call } from '../exchange.js';
import { recordStream } from '../record.js';
import { Refusal } from '../refusal.js';
import { enterUpstream } from '../upstream-session.js';
import * as z from 'zod';

/** Longest wait for the upstreams' acknowledgements; who is later is joined without being named in ours. */
const ACKNOWLEDGE_MS = 3_000;

const listenParams = z.object({ notifications: filterSchema });

/**
 * `subscriptions/listen` (MCP 2026-07-28, "Subscriptions"): one stream to the client over what all upstreams say. The acknowledgement
 * names what at least one upstream honours; and the lists, of which the gateway itself tells when the configuration changes them.
 */
export async function serveListen(call: Call, edge: Edge): Promise<Ending> {
  const { exchange, inbound } = call;
  const range = inbound.envelope.paramsRange;
  const params = listenParams.safeParse(range && JSON.parse(inbound.bytes.toString('utf8', range.start, range.end)));
  if (!params.success)
    return refused(
      new Refusal('invalid_params', 'subscriptions/listen needs params.notifications, an object of the types wanted.'),
    );
  const { notifications: wanted } = params.data;
  const stream = new ListenStream(call, wanted, edge);
  const listening = new Listening(call, stream, edge);
  const viewer = { era: 'modern' as const, listening };
  edge.views.join(viewer);
  try {
    listening.start(false);
    const honoured = await Promise.race([inTime(listening.honoured(), ACKNOWLEDGE_MS), stream.over]);
    exchange.reply.standing = true;
    exchange.reply.openStream();
    recordStream(exchange, edge);
    stream.begin(union([filterOf(kindsOf(wanted), []), honoured ?? {}]));
    await stream.over;
  } finally {
    edge.views.leave(viewer);
    listening.close();
  }
  // Also where the gateway is stopped: a stream that ends without this is taken for a broken connection.
  exchange.reply.json(200, finalResult(inbound.envelope.id));
  return { kind: 'streamed' };
}

const finalResult = (id: string) =>
  Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":{"resultType":"complete","_meta":{"${META_KEYS.subscriptionId}":${id}}}}`);

/** The client's side of it. All goes under the client's own subscription id, which is the id of its request, verbatim. */
class ListenStream implements Audience {
  readonly #call: Call;
  readonly #wanted: Filter;
  readonly #edge: Edge;
  readonly #over = Promise.withResolvers<undefined>();
  #early: Heard[] | undefined = [];

  constructor(call: Call, wanted: Filter, edge: Edge) {
    this.#call = call;
    this.#wanted = wanted;
    this.#edge = edge;
    call.exchange.cancellation.onCancel(() => this.end());
  }

  /** Resolves when the client has gone, or the gateway ends the stream. */
  get over(): Promise<undefined> {
    return this.#over.promise;
  }

  /** Acknowledges, before anything else is said. */
  begin(notifications: Filter): void {
    void this.#send(new Heard(ACKNOWLEDGED, { notifications }));
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const heard of early) this.tell(heard);
  }

  wanted(): Filter {
    return this.#wanted;
  }

  enter(...[link, context]: Parameters<Audience['enter']>): ReturnType<Audience['enter']> {
    return enterUpstream(this.#call, link, context, this.#edge);
  }

  tell(heard: Heard): void {
    if (!passes(this.#wanted, { method: heard.method, uri: heard.uri })) return;
    if (this.#early) this.#early.push(heard);
    else void this.#send(heard);
  }

  end(): void {
    this.#over.resolve(undefined);
  }

  #send(heard: Heard): Promise<void> {
    return this.#call.exchange.reply.message(heard.under(this.#call.inbound.envelope.id));
  }
}
