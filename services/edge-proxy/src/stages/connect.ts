import {
  declares,
  elicitAction,
  inputAnswerOf,
  type InputRequest,
  jsonAt,
  legacyServerRequest,
  notificationMessage,
  readInputResponses,
  toolErrorResponse,
  urlElicitationRequired,
  CODES,
} from '@switchyard/mcp';
import { randomUUID } from 'node:crypto';
import { Heard } from '../changes/heard.js';
import type { Edge } from '../edge.js';
import { type Ending, refused } from '../ending.js';
import type { Call } from '../exchange.js';
import { outboundContext } from '../outbound-context.js';
import { Refusal } from '../refusal.js';
import { clientOf } from '../relay-request.js';
import { REQUEST_STATE_MS } from '../request-state.js';
import type { ClientSession } from '../session-store.js';
import { SUSPENDED_MS } from '../suspended-calls.js';
import type { OutboundContext } from '../upstream/link.js';
import { inputRequired } from './input-required.js';

/** Requests during which a client can be asked something (MCP 2026-07-28, "Multi Round-Trip Requests"). */
const ASKING: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read']);
/** Times that a connection may turn out not to do. */
const MOST_CONNECTIONS = 3;
const COMPLETE = 'notifications/elicitation/complete';

/** A call that its caller's missing connection holds up. */
interface Held {
  readonly call: Call;
  readonly upstream: string;
  /** Of reason `connection_required`. */
  readonly refusal: Refusal;
  /** Where the caller can connect. */
  readonly url: string;
  readonly edge: Edge;
}

/**
 * Has the caller connect to the upstream, in the way that the client's revision has, and waits for that as far as it lets a call wait:
 * the URL is one of the gateway's own, and what becomes of it the vault tells (MCP 2026-07-28 and 2025-11-25, "Elicitation").
 * @param refusal why there is no credential; any other than a missing connection ends the call as it is
 * @returns what the upstream is asked with, once the caller is connected
 */
export async function connectFirst(
  call: Call,
  upstream: string,
  refusal: Refusal,
  edge: Edge,
): Promise<OutboundContext | Ending> {
  const { session, inbound } = call;
  const done = session && edge.calls.add(session.id, inbound.envelope.id, () => call.exchange.cancellation.cancel());
  try {
    let lacking = refusal;
    for (let tries = 0; tries < MOST_CONNECTIONS; tries += 1) {
      const { url } = lacking.data;
      if (lacking.reason !== 'connection_required' || typeof url !== 'string') return refused(lacking);
      const held: Held = { call, upstream, refusal: lacking, url, edge };
      const ending = session === undefined ? await askModern(held) : await askLegacy(held, session);
      if (ending !== 'connected') return ending;
      const context = await outboundContext(call, upstream, edge);
      if (!(context instanceof Refusal)) return context;
      lacking = context;
    }
    return refused(lacking);
  } finally {
    done?.();
  }
}

const questionOf = ({ upstream, url }: Held): InputRequest => ({
  key: 'connect',
  method: 'elicitation/create',
  paramsJson: JSON.stringify({
    mode: 'url',
    message: `To go on, the gateway needs to be connected to your own account at "${upstream}". The page to do that is the gateway's.`,
    url,
  }),
});

/** A modern client is asked by a result, and the retry waits until there is a connection; that the user agrees to go there is not that. */
async function askModern(held: Held): Promise<Ending | 'connected'> {
  const { call, upstream, edge } = held;
  const { exchange, inbound } = call;
  const { bytes, envelope } = inbound;
  if (!ASKING.has(envelope.method)) return told(held);
  const retried = envelope.requestStateRange && edge.requestStates.read(call, upstream);
  if (retried instanceof Refusal) return refused(retried);
  if (retried?.suspended !== undefined) return told(held);
  const now = edge.clock.now();
  const ask = (requests: readonly InputRequest[], untilMs: number): Ending => {
    const state = { upstream: retried?.upstream, connectUntilMs: untilMs };
    return inputRequired(call, requests, edge.requestStates.seal(call, upstream, state, REQUEST_STATE_MS));
  };
  if (retried?.connectUntilMs === undefined) {
    const declared = envelope.clientCapabilitiesRange && jsonAt(bytes, envelope.clientCapabilitiesRange);
    return declares(declared, 'elicitation.url') ? ask([questionOf(held)], now + REQUEST_STATE_MS) : told(held);
  }
  const responses = readInputResponses(bytes, envelope);
  if (responses?.ok === false)
    return refused(new Refusal('invalid_params', `params.inputResponses cannot be read (${responses.fault}).`));
  if (responses?.answers.some(({ resultJson }) => elicitAction(resultJson) !== 'accept') === true) return told(held);
  const leftMs = retried.connectUntilMs - now;
  if (leftMs <= 0) return told(held);
  if (await connected(held, Math.min(leftMs, SUSPENDED_MS))) return 'connected';
  if (exchange.cancellation.cancelled) return cancelled();
  // Without a question the client comes back at once, and the user is not asked again.
  return ask([], retried.connectUntilMs);
}

/** A legacy client is asked on the stream of its call, which waits. */
async function askLegacy(held: Held, session: ClientSession): Promise<Ending | 'connected'> {
  const { call, upstream, edge } = held;
  if (!declares(session.record.capabilities, 'elicitation.url')) return told(held);
  const elicitationId = randomUUID();
  if (!ASKING.has(call.inbound.envelope.method)) return elicitationRequired(held, session, elicitationId);
  const { reply, cancellation } = call.exchange;
  const question = questionOf(held);
  const timeoutMs = edge.limits.callLimitMs;
  const asked = edge.asks.ask({
    session: session.id,
    origin: elicitationId,
    write: (id) => legacyServerRequest(id, question, clientOf(session), elicitationId),
    send: (bytes) => void reply.message(bytes),
    timeoutMs,
  });
  cancellation.onCancel(() => edge.asks.release(elicitationId));
  const connecting = connected(held, timeoutMs);
  const declined = asked.then(async (answer): Promise<Ending | 'connected'> => {
    if (answer === 'too_many') return elicitationRequired(held, session, elicitationId);
    const given = typeof answer === 'string' ? undefined : inputAnswerOf('', answer.bytes, answer.envelope);
    if (typeof answer !== 'string' && given === undefined) return elicitationRequired(held, session, elicitationId);
    if (given !== undefined && elicitAction(given.resultJson) !== 'accept') return told(held);
    return (await connecting) ? 'connected' : told(held);
  });
  const ending = await Promise.race([declined, connecting.then((is) => (is ? ('connected' as const) : declined))]);
  edge.asks.release(elicitationId);
  if (cancellation.cancelled) return cancelled();
  if (ending !== 'connected') return ending;
  void reply.message(notificationMessage(COMPLETE, JSON.stringify({ elicitationId })));
  edge.log.debug('a call goes on with a new connection', { request_id: call.exchange.requestId, upstream });
  return 'connected';
}

function connected({ call, upstream, refusal, edge }: Held, timeoutMs: number): Promise<boolean> {
  const { askedAt = edge.connections.now } = refusal.inside;
  return edge.connections.connected(upstream, call.caller.principal, askedAt, timeoutMs, call.exchange.cancellation);
}

/** Where a client cannot be asked in the middle of its call, it makes the call again afterwards (MCP 2025-11-25, "URL Mode Elicitation Required Error"). */
function elicitationRequired(held: Held, session: ClientSession, elicitationId: string): Ending {
  const { call, upstream, refusal, edge } = held;
  const { askedAt = edge.connections.now } = refusal.inside;
  void edge.connections
    .connected(upstream, call.caller.principal, askedAt, REQUEST_STATE_MS, session.ended)
    .then((is) => (is ? session.standing?.tell(new Heard(COMPLETE, { elicitationId })) : undefined));
  const asked = [{ request: questionOf(held), elicitationId }];
  const bytes = urlElicitationRequired(call.inbound.envelope.id, refusal.message, asked);
  const code = CODES.urlElicitationRequired;
  return { kind: 'response', status: 200, bytes, outcome: 'error', code, reason: refusal.reason };
}

/** Who cannot be asked is told: the model, where it is a tool that was called. */
function told({ call, refusal, url }: Held): Ending {
  const { id, method } = call.inbound.envelope;
  if (method !== 'tools/call') return refused(refusal);
  const text = `${refusal.message} Only the user can do that, in a browser. Show them ${url} and, when they are back, call this tool again.`;
  const bytes = toolErrorResponse(id, text, call.inbound.era);
  return { kind: 'response', status: 200, bytes, outcome: 'error', reason: refusal.reason };
}

const cancelled = (): Ending => refused(new Refusal('cancelled', 'The call was cancelled.'));
