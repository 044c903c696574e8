import type { MessageInitShape } from '@bufbuild/protobuf';
import { EdgeService, type ReadRoundRequest, type ResumeCallRequest } from '@switchyard/contracts';
import { methodFor, scanMessage } from '@switchyard/mcp';
import { askingCaller, askingTrace, refusedBy } from './asked.js';
import { type Catalog, NO_CATALOG } from './catalog.js';
import type { Edge } from './edge.js';
import { type Ending, refused } from './ending.js';
import type { Inbound, Round } from './exchange.js';
import { faultRefusal } from './fault.js';
import type { Facts } from './facts.js';
import { newFacts } from './record.js';
import { Refusal } from './refusal.js';
import { RelayedRound } from './relayed-round.js';
import { goOn } from './stages/forward-to-legacy.js';

const { resumeCall, readRound } = EdgeService.method;

/** Longest wait of one question for what a round is answered with. */
const POLL_MS = 1_000;
/** How long an edge may be silent that reads a round, beside the time that its client may take to read. */
const SILENCE_MS = 5_000;

/** Retries that other edges were asked for, of calls that wait at this one. */
export class RelayedRounds {
  readonly #edge: Edge;
  readonly #rounds = new Map<string, RelayedRound>();

  readonly #catalog: () => Catalog | undefined;

  /** @param catalog the newest */
  constructor(edge: Edge, catalog: () => Catalog | undefined) {
    this.#edge = edge;
    this.#catalog = catalog;
  }

  /** Serves the other edges. */
  async serve(): Promise<void> {
    const { peers } = this.#edge;
    await peers.serve(resumeCall, async (request) => this.#begin(request, await peers.contents.unpack(request.message)));
    await peers.serve(readRound, (request) => this.#read(request));
  }

  /** Lets rounds under way end, at most `timeoutMs`, and cancels those that have not. */
  async drain(timeoutMs: number): Promise<void> {
    const until = this.#edge.clock.now() + timeoutMs;
    while (this.#rounds.size > 0 && this.#edge.clock.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const round of this.#rounds.values()) round.cancellation.cancel();
  }

  #begin({ asked, round: name, upstream }: ResumeCallRequest, bytes: Buffer): Record<string, never> {
    if (asked === undefined) throw new Error('another edge does not say who asks');
    const { requestId } = asked;
    const relayed = new RelayedRound(SILENCE_MS + this.#edge.limits.slowReaderTimeoutMs, () => this.#rounds.delete(name));
    this.#rounds.set(name, relayed);
    const catalog = this.#catalog() ?? NO_CATALOG;
    const circumstances = { requestId, trace: askingTrace(asked), server: { slug: asked.server }, catalog };
    const facts = newFacts(circumstances);
    const exchange = { ...circumstances, facts, reply: relayed, cancellation: relayed.cancellation };
    const round: Round = { exchange, caller: askingCaller(asked), inbound: inboundOf(bytes) };
    this.#goOn(round, upstream)
      .catch((error: unknown) => {
        this.#edge.log.error('a call that another edge was asked for failed', { request_id: requestId, error });
        return refused(faultRefusal(error, requestId));
      })
      .then((ending) => relayed.end({ ending, facts }))
      .catch((error: unknown) => this.#edge.log.error('a round could not be ended', { request_id: requestId, error }));
    return {};
  }

  /** Opens only for whom the state was given, and for the same request: that is checked here, whatever the other edge has checked. */
  async #goOn(round: Round, upstream: string): Promise<Ending> {
    const { requestStates, peers } = this.#edge;
    const state = requestStates.read(round, upstream);
    if (state instanceof Refusal) return refused(state);
    if (state.suspended?.edge !== peers.name) throw new Error('a retry was handed to the wrong edge');
    return goOn(round, state.suspended.id, this.#edge);
  }

  async #read({ round: name, after, gone }: ReadRoundRequest): Promise<MessageInitShape<typeof readRound.output>> {
    const round = this.#rounds.get(name);
    if (round === undefined) return { known: false };
    if (gone) {
      round.leave();
      return { known: true };
    }
    await round.ready(after, POLL_MS);
    const { contents } = this.#edge.peers;
    const messages = await Promise.all(round.messages().map((bytes) => contents.pack(bytes)));
    const { ended } = round;
    if (ended === undefined || !round.allTold(messages.length)) return { known: true, messages };
    const { ending, facts } = ended;
    const end =
      ending.kind === 'refused'
        ? { case: 'refused' as const, value: refusedBy(ending.refusal) }
        : { case: 'response' as const, value: await this.#response(ending) };
    return { known: true, messages, end: { end, ...factsToTell(facts) } };
  }

  async #response(ending: Ending) {
    if (ending.kind !== 'response') throw new Error(`a round cannot end as ${ending.kind}`);
    const { status, outcome, code = 0 } = ending;
    return { status, code, failed: outcome === 'error', message: await this.#edge.peers.contents.pack(ending.bytes) };
  }
}

const factsToTell = (facts: Facts) => ({
  detail: { ...facts.detail },
  upstreamUs: facts.upstream_us,
  upstreamRpcId: facts.upstream_rpc_id,
  resultTokens: facts.result_tokens,
  modelTokensIn: facts.model_tokens_in,
  modelTokensOut: facts.model_tokens_out,
});

/** The edge that was asked has classified the message; what it was is not sent along, but read again. */
function inboundOf(bytes: Buffer): Inbound {
  const envelope = scanMessage(bytes);
  const row = envelope.ok ? methodFor('modern', envelope.method) : undefined;
  if (!envelope.ok || row === undefined) throw new Error('another edge handed over a message that is no retry');
  return { bytes, envelope, era: 'modern', revision: '', row };
}
