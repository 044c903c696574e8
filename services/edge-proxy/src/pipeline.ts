import { isBatch, classify as classifyEra, methodFor, scanMessage } from '@switchyard/mcp';
import { clientFacts } from './client-facts.js';
import type { Edge } from './edge.js';
import { type Ending, refused } from './ending.js';
import type { Call, Caller, Exchange, Inbound } from './exchange.js';
import { serveStatus, STATUS_TOOL } from './methods/gateway-status.js';
import { serveDiscover, serveInitialize } from './methods/handshake.js';
import { serveList } from './methods/list.js';
import { serveListen } from './methods/listen.js';
import { servePing, serveSetLevel } from './methods/local.js';
import { serveNotification } from './methods/notification.js';
import { outboundContext } from './outbound-context.js';
import { Refusal } from './refusal.js';
import { admit } from './stages/admit.js';
import { decide } from './stages/authorize.js';
import { forward } from './stages/forward.js';
import { resolve, type Target } from './stages/resolve.js';
import type { ClientSession } from './session-store.js';

type Serve = (call: Call, edge: Edge) => Promise<Ending>;

/** Methods that the gateway answers itself or in a way of their own; every other of the methods table is a unary call. */
const SERVE: ReadonlyMap<string, Serve> = new Map<string, Serve>([
  ['initialize', admitted(serveInitialize)],
  ['server/discover', admitted(serveDiscover)],
  ['ping', servePing],
  ['logging/setLevel', admitted(serveSetLevel)],
  ['subscriptions/listen', admitted(serveListen)],
]);

const SERVE_SHAPE: ReadonlyMap<string, Serve> = new Map<string, Serve>([
  ['list', admitted(serveList)],
  ['notification', serveNotification],
  ['unary', serveUnary],
]);

/** Serves only while what is done can be recorded: these ask upstreams too. */
function admitted(serve: Serve): Serve {
  return async (call, edge) => {
    const full = admit(edge.audit);
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
  const caller = await authenticate(exchange, edge);
  if (caller instanceof Refusal) return refused(caller);

  const body = await readBody();
  if (body instanceof Refusal) return refused(body);

  const inbound = classify(exchange, body);
  if (inbound instanceof Refusal) return refused(inbound);

  const session = await findSession(exchange, caller, inbound, edge);
  if (session instanceof Refusal) return refused(session);

  if (session !== undefined) exchange.reply.keepIn(session.streams, inbound.envelope.id, exchange.cancellation);
  const serve = SERVE.get(inbound.envelope.method) ?? SERVE_SHAPE.get(inbound.row.shape);
  if (serve === undefined) throw new Error(`nothing serves ${inbound.envelope.method}`);
  return serve({ exchange, caller, inbound, session }, edge);
}

/** Who calls: a token for this server, an API key, or nobody where the server lets everyone in. */
export async function authenticate(exchange: Exchange, edge: Edge): Promise<Caller | Refusal> {
  const caller = await edge.authenticator.authenticate(exchange.head.authorization, exchange.server);
  if (!(caller instanceof Refusal)) exchange.facts.calledBy(caller);
  return caller;
}

/** What is called: the gate over the bytes, then the era. The body decides; header fields must agree with it. */
function classify(exchange: Exchange, bytes: Buffer): Inbound | Refusal {
  const { facts } = exchange;
  facts.bytes_in = bytes.length;
  if (isBatch(bytes)) return new Refusal('invalid_request', 'Batches are not taken: send one JSON-RPC message in a POST.');
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
  if (envelope.kind === 'response')
    return new Refusal('invalid_request', 'No request of the gateway’s is waiting for this response.');
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
  return inbound.era === 'modern' || inbound.envelope.method === 'initialize' ? undefined : legacySession(exchange, caller, edge);
}

async function legacySession(exchange: Exchange, caller: Caller, edge: Edge): Promise<ClientSession | Refusal> {
  const session = await ownSession(exchange, caller, edge);
  if (!(session instanceof Refusal)) {
    exchange.facts.revision = session.record.revision;
    exchange.facts.client_name = session.record.clientName;
    exchange.facts.client_version = session.record.clientVersion;
  }
  return session;
}

/** The session named by the header field, where it is this caller's on this server. */
export async function ownSession(exchange: Exchange, caller: Caller, edge: Edge): Promise<ClientSession | Refusal> {
  const id = exchange.head.sessionId;
  if (id === undefined)
    return new Refusal('session_missing', 'Send the Mcp-Session-Id that initialize gave, or initialize first.');
  return edge.sessions.find(id, exchange.server.slug, caller);
}

/** A call that goes to one upstream: tools/call, prompts/get, resources/read, subscribe and unsubscribe, completion/complete. */
async function serveUnary(call: Call, edge: Edge): Promise<Ending> {
  call.exchange.facts.capability_kind = call.inbound.row.capability ?? '';
  call.exchange.facts.capability = claimedName(call);
  if (call.inbound.envelope.method === 'tools/call' && call.inbound.envelope.name === STATUS_TOOL) return serveStatus(call, edge);

  const target = await resolve(call, edge);
  if (target instanceof Refusal) return refused(target);

  const denial = authorize(call, target);
  if (denial !== undefined) return refused(denial);

  const full = admit(edge.audit);
  if (full !== undefined) return refused(full);

  const context = await outboundContext(call, target.upstream.name, edge);
  if (context instanceof Refusal) return refused(context);

  const done =
    call.session && edge.calls.add(call.session.id, call.inbound.envelope.id, () => call.exchange.cancellation.cancel());
  try {
    return await forward(call, target, context, edge);
  } finally {
    done?.();
  }
}

function claimedName({ inbound: { envelope } }: Call): string {
  return envelope.name ?? envelope.uri ?? envelope.refName ?? envelope.refUri ?? '';
}

/** May this caller use it? The same decision filters lists. */
function authorize(call: Call, target: Target): Refusal | undefined {
  const { exchange, caller } = call;
  exchange.facts.upstream = target.upstream.name;
  exchange.facts.upstream_capability = target.capability.name;
  const decision = decide(caller.principal, target.source, target.capability, exchange.catalog);
  if (decision.allowed) {
    exchange.facts.detail = { rule: String(decision.rule) };
    return undefined;
  }
  exchange.facts.detail = { because: decision.because };
  const { kind } = target.capability;
  return new Refusal(
    'policy_denied',
    `You may not use this ${kind} here. Ask the gateway’s administrators for access to it (server "${exchange.server.slug}").`,
  );
}
