import { isBatch, classify as classifyEra, methodFor, type MethodRow, revisionOf, scanMessage } from '@switchyard/mcp';
import { serveBatch } from './batch.js';
import { clientFacts } from './client-facts.js';
import type { Edge } from './edge.js';
import { type Ending, refused } from './ending.js';
import type { Call, Caller, Exchange, Inbound } from './exchange.js';
import { serveAnswer } from './methods/answer.js';
import { serveStatus, STATUS_TOOL } from './methods/gateway-status.js';
import { serveDiscover, serveInitialize } from './methods/handshake.js';
import { serveList } from './methods/list.js';
import { serveListen } from './methods/listen.js';
import { serveSubscription } from './methods/subscription.js';
import { servePing, serveSetLevel } from './methods/local.js';
import { serveNotification } from './methods/notification.js';
import { findTask, forwardTask } from './methods/task.js';
import { outboundContext } from './outbound-context.js';
import { Refusal } from './refusal.js';
import { admit } from './stages/admit.js';
import { connectFirst } from './stages/connect.js';
import { forward } from './stages/forward.js';
import { intend } from './stages/intend.js';
import { permit } from './stages/permit.js';
import { prepareCapture } from './stages/prepare-capture.js';
import { resolve, type Target } from './stages/resolve.js';
import { MAY_CHANGE, revocationUnknown, unlessFresh } from './stages/revocation-known.js';
import type { ClientSession } from './session-store.js';
import { tokensIn } from './tokens.js';

/** A response to a request of the gateway's own: modern clients post none. */
const ANSWER: MethodRow = { eras: ['legacy'], shape: 'notification' };

/** Awaited for a turn of the microtask queue. */
const A_TURN = Promise.resolve();

type Serve = (call: Call, edge: Edge) => Promise<Ending>;

/** Methods that the gateway answers itself or in a way of their own; every other of the methods table is a unary call. */
const SERVE: ReadonlyMap<string, Serve> = new Map<string, Serve>([
  ['initialize', admitted(serveInitialize)],
  ['server/discover', admitted(serveDiscover)],
  ['ping', servePing],
  ['logging/setLevel', admitted(serveSetLevel)],
  ['subscriptions/listen', admitted(serveListen)],
  ['resources/subscribe', (call, edge) => serveSubscription(call, edge, serveUnary)],
  ['resources/unsubscribe', (call, edge) => serveSubscription(call, edge, serveUnary)],
  // What a client posts in answer to a request has no method.
  ['', serveAnswer],
]);

const SERVE_SHAPE: ReadonlyMap<string, Serve> = new Map<string, Serve>([
  ['list', admitted(serveList)],
  ['notification', serveNotification],
  ['unary', serveUnary],
  ['task', serveTask],
]);

/** Serves only while what is done can be recorded: these ask upstreams too. */
function admitted(serve: Serve): Serve {
  return async (call, edge) => {
    const full = admit(call.exchange, edge.audit);
    return full ? refused(full) : serve(call, edge);
  };
}

/**
 * The path of a message that a client posts. Every stage takes what only the one before it makes; a refusal ends the path where it arises.
 * @param readBody reads the body; called once the caller is known
 */
export async function servePost(
  exchange: Exchange,
  readBody: () => Buffer | Refusal | Promise<Buffer | Refusal>,
  edge: Edge,
): Promise<Ending> {
  // What is there already is not awaited: every await costs a turn of the microtask queue.
  const known = authenticate(exchange, edge);
  const { facts } = exchange;
  const caller = known instanceof Promise ? await facts.waiting('authenticate', known, edge.clock) : known;
  if (caller instanceof Refusal) return refused(caller);

  // node:http hands on a request before it reads on: what came with the header section is there one turn of the microtask queue later.
  await A_TURN;
  const read = readBody();
  const body = read instanceof Promise ? await facts.waiting('read', read, edge.clock) : read;
  if (body instanceof Refusal) return refused(body);
  if (isBatch(body)) return servePostedBatch(exchange, caller, body, edge);

  const inbound = classify(exchange, body);
  if (inbound instanceof Refusal) return refused(inbound);

  const finding = findSession(exchange, caller, inbound, edge);
  const session = finding && (await finding);
  if (session instanceof Refusal) return refused(session);

  if (session !== undefined) exchange.reply.keepIn(session.streams, inbound.envelope.id, exchange.cancellation);
  // Awaited here: a promise that an async function returns costs three turns of the microtask queue, an awaited one costs one.
  return await serveCall({ exchange, caller, inbound, session }, edge);
}

/** What remains once it is known whose message it is, of which session, and what it says. */
export function serveCall(call: Call, edge: Edge): Promise<Ending> {
  const { envelope, row } = call.inbound;
  const serve = SERVE.get(envelope.method) ?? SERVE_SHAPE.get(row.shape);
  if (serve === undefined) throw new Error(`nothing serves ${envelope.method}`);
  return serve(call, edge);
}

/** A message whose session is known before it is read: one of a batch, or one over HTTP with SSE. */
export function readInSession(exchange: Exchange, caller: Caller, session: ClientSession, bytes: Buffer): Call | Refusal {
  const inbound = classify(exchange, bytes);
  if (inbound instanceof Refusal) return inbound;
  if (inbound.era === 'modern')
    return new Refusal('invalid_request', 'Messages of a revision without sessions cannot be sent within one.');
  nameClient(exchange, session);
  return { exchange, caller, inbound, session };
}

const NO_BATCHES = 'Batches are not taken: send one JSON-RPC message in a POST.';

/** Revision 2025-03-26 alone has batches (MCP 2025-03-26, "Sending Messages to the Server"). */
async function servePostedBatch(exchange: Exchange, caller: Caller, bytes: Buffer, edge: Edge): Promise<Ending> {
  exchange.facts.bytes_in = bytes.length;
  if (exchange.head.sessionId === undefined) return refused(new Refusal('invalid_request', NO_BATCHES));
  const session = await ownSession(exchange, caller, edge);
  if (session instanceof Refusal) return refused(session);
  if (revisionOf(session.record.revision)?.batches !== true) return refused(new Refusal('invalid_request', NO_BATCHES));
  return serveBatchIn(exchange, caller, session, bytes, edge);
}

/** Serves a batch within a session. @param accepted called when the batch is one, before its messages are served */
export function serveBatchIn(
  exchange: Exchange,
  caller: Caller,
  session: ClientSession,
  bytes: Buffer,
  edge: Edge,
  accepted: () => void = () => undefined,
): Promise<Ending> {
  const serve = (own: Exchange, message: Buffer): Promise<Ending> => {
    const call = readInSession(own, caller, session, message);
    return call instanceof Refusal ? Promise.resolve(refused(call)) : serveCall(call, edge);
  };
  return serveBatch({ exchange, caller, bytes, accepted, serve }, edge);
}

/** Who calls: a token for this server, an API key, or nobody where the server lets everyone in. */
export function authenticate(exchange: Exchange, edge: Edge): Caller | Refusal | Promise<Caller | Refusal> {
  if (exchange.startedAtMicros >= edge.revocations.readsUntilMicros) return authenticateLate(exchange, edge);
  const caller = edge.authenticator.authenticate(exchange.head.authorization, exchange.server, exchange);
  return caller instanceof Promise ? caller.then((late) => letIn(exchange, late)) : letIn(exchange, caller);
}

/** The last word on what is revoked is too old: who has credentials is let in only once there is another. */
async function authenticateLate(exchange: Exchange, edge: Edge): Promise<Caller | Refusal> {
  await edge.revocations.ask();
  const caller = await edge.authenticator.authenticate(exchange.head.authorization, exchange.server, exchange);
  if (caller instanceof Refusal || caller.principal.kind === 'anonymous' || edge.revocations.isKnown)
    return letIn(exchange, caller);
  return revocationUnknown();
}

function letIn(exchange: Exchange, caller: Caller | Refusal): Caller | Refusal {
  if (caller instanceof Refusal) return caller;
  exchange.caller = caller;
  exchange.facts.calledBy(caller, exchange.catalog);
  return caller;
}

/** Whether this message waits for another word on what is revoked: it may change something, and the last word is too old for that. */
function isTooLate({ exchange, caller, inbound }: Call, { revocations }: Edge): boolean {
  return (
    exchange.startedAtMicros >= revocations.changesUntilMicros &&
    MAY_CHANGE.has(inbound.envelope.method) &&
    caller.principal.kind !== 'anonymous'
  );
}

/** What is called: the gate over the bytes, then the era. The body decides; header fields must agree with it. */
function classify(exchange: Exchange, bytes: Buffer): Inbound | Refusal {
  const { facts } = exchange;
  facts.bytes_in = bytes.length;
  const envelope = scanMessage(bytes);
  if (!envelope.ok) {
    facts.client_rpc_id = envelope.id ?? '';
    return new Refusal(envelope.reason, envelope.message);
  }
  facts.method = envelope.method;
  facts.client_rpc_id = envelope.id;
  const verdict = classifyEra(exchange.head, envelope);
  if ('refusal' in verdict) return new Refusal(verdict.refusal.reason, verdict.refusal.message, verdict.refusal.data);
  const { era, revision } = verdict;
  facts.era = era;
  facts.revision = revision;
  // A session remembers its client; where there are none, every message says it.
  if (era === 'modern') {
    const { client_name, client_version } = clientFacts(bytes, envelope.clientInfoRange);
    facts.client_name = client_name;
    facts.client_version = client_version;
  }
  if (envelope.kind === 'response') return { bytes, envelope, era, revision, row: ANSWER };
  const row = methodFor(era, envelope.method);
  if (row !== undefined) return { bytes, envelope, era, revision, row };
  if (envelope.kind === 'notification') return { bytes, envelope, era, revision, row: { eras: [era], shape: 'notification' } };
  return new Refusal(
    era === 'modern' ? 'method_not_found' : 'method_unknown',
    `Method "${envelope.method.slice(0, 64)}" is not known in revision ${revision}.`,
  );
}

/** The session that a legacy message belongs to. Modern messages have none; `initialize` makes one. */
function findSession(
  exchange: Exchange,
  caller: Caller,
  inbound: Inbound,
  edge: Edge,
): undefined | Promise<ClientSession | Refusal> {
  return inbound.era === 'modern' || inbound.envelope.method === 'initialize' ? undefined : ownSession(exchange, caller, edge);
}

/** Also of requests without a message: for a stream, for the end of the session. */
function nameClient({ facts }: Exchange, { record }: ClientSession): void {
  facts.era = 'legacy';
  facts.revision = record.revision;
  facts.client_name = record.clientName;
  facts.client_version = record.clientVersion;
}

/** The session named by the header field, where it is this caller's on this server. */
export async function ownSession(exchange: Exchange, caller: Caller, edge: Edge): Promise<ClientSession | Refusal> {
  const id = exchange.head.sessionId;
  if (id === undefined)
    return new Refusal('session_missing', 'Send the Mcp-Session-Id that initialize gave, or initialize first.');
  const session = await edge.sessions.find(id, exchange.server.slug, caller);
  if (session instanceof Refusal) return session;
  exchange.facts.session = session.rendered;
  nameClient(exchange, session);
  return session;
}

/** A call that goes to one upstream: tools/call, prompts/get, resources/read, subscribe and unsubscribe, completion/complete. */
async function serveUnary(call: Call, edge: Edge): Promise<Ending> {
  const { facts } = call.exchange;
  facts.capability_kind = call.inbound.row.capability ?? '';
  facts.capability = claimedName(call);
  facts.arguments_tokens = tokensIn(call.inbound.envelope.argumentsRange);
  if (call.inbound.envelope.method === 'tools/call' && call.inbound.envelope.name === STATUS_TOOL) return serveStatus(call, edge);
  const unknown = isTooLate(call, edge) ? await unlessFresh(edge) : undefined;
  if (unknown !== undefined) return refused(unknown);

  const resolving = resolve(call, edge);
  const target = resolving instanceof Promise ? await facts.waiting('resolve', resolving, edge.clock) : resolving;
  if (target instanceof Refusal) return refused(target);

  const denial = permit(call, target);
  if (denial !== undefined) return refused(denial);

  const unkept = target.source.capture && prepareCapture(call, target, edge);
  const unmade = unkept instanceof Promise ? await unkept : unkept;
  if (unmade !== undefined) return refused(unmade);

  const full = admit(call.exchange, edge.audit) ?? (target.source.strict ? await intend(call, edge) : undefined);
  if (full !== undefined) return refused(full);

  const leasing = outboundContext(call, target.upstream.name, edge);
  const context = leasing instanceof Promise ? await facts.waiting('lease', leasing, edge.clock) : leasing;
  if (context instanceof Refusal) return forwardConnected(call, target, context, edge);

  const done =
    call.session && edge.calls.add(call.session.id, call.inbound.envelope.id, () => call.exchange.cancellation.cancel());
  try {
    const ending = await forward(call, target, context, edge);
    const lacksConnection = ending.kind === 'refused' && ending.refusal.reason === 'connection_required';
    return lacksConnection ? await forwardConnected(call, target, ending.refusal, edge) : ending;
  } finally {
    done?.();
  }
}

/** A call that its upstream has not looked at, for want of a credential. @param refusal why there is none */
async function forwardConnected(call: Call, target: Target, refusal: Refusal, edge: Edge): Promise<Ending> {
  const context = await connectFirst(call, target.upstream.name, refusal, edge);
  if ('kind' in context) return context;
  const { session, inbound, exchange } = call;
  const done = session && edge.calls.add(session.id, inbound.envelope.id, () => exchange.cancellation.cancel());
  try {
    return await forward(call, target, context, edge);
  } finally {
    done?.();
  }
}

/** What a client says of a task: allowed exactly where the call was that became the task. */
async function serveTask(call: Call, edge: Edge): Promise<Ending> {
  call.exchange.facts.capability_kind = 'tool';
  const unknown = isTooLate(call, edge) ? await unlessFresh(edge) : undefined;
  if (unknown !== undefined) return refused(unknown);
  const task = findTask(call, edge);
  if (task instanceof Refusal) return refused(task);
  const denial = permit(call, task.target) ?? admit(call.exchange, edge.audit);
  if (denial !== undefined) return refused(denial);
  const unkept = await (task.target.source.capture && prepareCapture(call, task.target, edge));
  if (unkept !== undefined) return refused(unkept);
  const unrecorded = task.target.source.strict ? await intend(call, edge) : undefined;
  if (unrecorded !== undefined) return refused(unrecorded);
  const leased = await outboundContext(call, task.target.upstream.name, edge);
  const context = leased instanceof Refusal ? await connectFirst(call, task.target.upstream.name, leased, edge) : leased;
  if ('kind' in context) return context;
  const { session, inbound, exchange } = call;
  const done = session && edge.calls.add(session.id, inbound.envelope.id, () => exchange.cancellation.cancel());
  try {
    return await forwardTask(call, task, context, edge);
  } finally {
    done?.();
  }
}

function claimedName({ inbound: { envelope } }: Call): string {
  return envelope.name ?? envelope.uri ?? envelope.refName ?? envelope.refUri ?? '';
}
