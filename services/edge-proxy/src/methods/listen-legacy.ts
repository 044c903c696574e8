import { requestMessage } from '@switchyard/mcp';
import { randomUUID } from 'node:crypto';
import { aborted } from '../abort.js';
import { Cancellation } from '../cancellation.js';
import type { Edge } from '../edge.js';
import type { PooledSession } from '../legacy-pool.js';
import type { LegacySession, OutboundContext, UpstreamLink, UpstreamMessage } from '../upstream/link.js';
import type { Filter } from './listen-filter.js';

/** What a modern client's subscription needs of a legacy upstream. */
export interface LegacyListening {
  readonly link: UpstreamLink;
  readonly session: PooledSession;
  readonly context: OutboundContext;
  readonly wanted: Filter;
  /** Aborted when the subscription ends. */
  readonly signal: AbortSignal;
  /** Told what the upstream honours, once. */
  readonly acknowledge: (honoured: Filter) => void;
  readonly onNotification: (message: UpstreamMessage) => Promise<void> | void;
}

/**
 * Listens to a legacy upstream for a modern client's `subscriptions/listen`, on the session that its calls use: what servers say of a
 * session they say in that session (MCP 2025-11-25, "Listening for Messages from the Server", "Subscriptions"). Resolves when the signal
 * is aborted or the session has ended.
 */
export async function listenLegacy(listening: LegacyListening, edge: Edge): Promise<void> {
  const { session, link, context, wanted, signal, acknowledge } = listening;
  const key = randomUUID();
  const over = new AbortController();
  const leave = join(listening, key, () => over.abort(), edge);
  if (leave === undefined) return;
  const done = edge.pool.use(session);
  try {
    const uris: string[] = [];
    for (const uri of canSubscribe(session) ? (wanted.resourceSubscriptions ?? []) : []) {
      if (signal.aborted || !(await tell('resources/subscribe', uri, key, listening, edge))) continue;
      edge.pool.subscribed(session, key, uri);
      uris.push(uri);
    }
    acknowledge({ ...switches(session, wanted), ...(uris.length > 0 && { resourceSubscriptions: uris }) });
    const ended = AbortSignal.any([signal, over.signal]);
    if (!ended.aborted) await aborted(ended);
  } finally {
    done();
    const orphans = leave();
    if (session.id === undefined) await link.closeLegacy(session, context, key);
    else if (!over.signal.aborted) for (const uri of orphans) await tell('resources/unsubscribe', uri, key, listening, edge);
  }
}

/** A process keeps its listeners apart by itself; elsewhere a session has one stream, which they share. */
function join(
  { session, link, context, onNotification }: LegacyListening,
  key: string,
  onGone: () => void,
  edge: Edge,
): (() => string[]) | undefined {
  const onMessage = (message: UpstreamMessage) => void onNotification(message);
  if (session.id !== undefined) return edge.pool.listen(session, key, { onMessage, onGone });
  const stop = link.listen(session, context, { session: key, onMessage });
  return () => {
    stop();
    return [];
  };
}

const offer = ({ capabilities }: LegacySession, name: string) =>
  capabilities[name] as Readonly<Record<string, unknown>> | undefined;

const canSubscribe = (session: LegacySession): boolean => offer(session, 'resources')?.subscribe === true;

const KIND_OF_SWITCH = { toolsListChanged: 'tools', promptsListChanged: 'prompts', resourcesListChanged: 'resources' } as const;

function switches(session: LegacySession, wanted: Filter): Filter {
  const honoured: Filter = {};
  for (const name of Object.keys(KIND_OF_SWITCH) as (keyof typeof KIND_OF_SWITCH)[])
    if (wanted[name] === true && offer(session, KIND_OF_SWITCH[name])?.listChanged === true) honoured[name] = true;
  return honoured;
}

async function tell(
  method: 'resources/subscribe' | 'resources/unsubscribe',
  uri: string,
  key: string,
  { session, link, context }: LegacyListening,
  edge: Edge,
): Promise<boolean> {
  const id = edge.ids.next();
  const answer = await link.request({
    ...context,
    era: 'legacy',
    revision: session.revision,
    method,
    name: uri,
    subscriber: key,
    id,
    body: requestMessage(id, method, JSON.stringify({ uri })),
    session: session.id,
    timeoutMs: edge.limits.listTimeoutMs,
    limitMs: edge.limits.listTimeoutMs,
    cancellation: new Cancellation(),
    onNotification: () => undefined,
  });
  return answer.kind === 'response' && answer.message.envelope.errorCode === undefined;
}
