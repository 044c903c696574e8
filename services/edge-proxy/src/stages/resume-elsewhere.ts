import { EdgeService, type RoundEnd } from '@switchyard/contracts';
import { randomUUID } from 'node:crypto';
import { askedOf, refusalOf } from '../asked.js';
import type { Edge } from '../edge.js';
import { type Ending, refused } from '../ending.js';
import type { Call } from '../exchange.js';
import { Refusal } from '../refusal.js';

const { resumeCall, readRound } = EdgeService.method;

/** How often an edge that does not answer in time is asked again: one that is no more says so at once. */
const TRIES = 3;
/** Longest wait for an answer, which comes after a second where there is nothing to tell. */
const READ_MS = 3_000;

/**
 * Hands a retry to the edge where its call waits, and gives the client what that edge answers, as it comes. The call ends with the edge
 * that holds it: what an upstream has begun to do cannot be begun again elsewhere.
 */
export async function resumeElsewhere(call: Call, upstream: string, owner: string, edge: Edge): Promise<Ending> {
  const { exchange, caller, inbound } = call;
  const { peers } = edge;
  const round = randomUUID();
  const message = await peers.contents.pack(inbound.bytes);
  const taken = await peers.ask(owner, resumeCall, { asked: askedOf(exchange, caller), round, upstream, message });
  if (taken === undefined) return callLost();
  let after = 0;
  const leave = () =>
    void peers
      .ask(owner, readRound, { round, after, gone: true })
      .catch((error: unknown) => edge.log.error('another edge was not told that nobody waits for it', { error }));
  exchange.cancellation.onCancel(leave);
  for (;;) {
    const read = await readFrom(owner, { round, after }, edge);
    if (read?.known !== true) return callLost();
    for (const content of read.messages) {
      await exchange.reply.message(await peers.contents.unpack(content));
      after += 1;
    }
    if (read.end === undefined) continue;
    leave();
    return endingOf(call, read.end, edge);
  }
}

async function readFrom(owner: string, request: { round: string; after: number }, edge: Edge) {
  for (let tries = 1; ; tries += 1) {
    const read = await edge.peers.ask(owner, readRound, request, READ_MS);
    if (read !== undefined || tries === TRIES) return read;
  }
}

function callLost(): Ending {
  return refused(
    new Refusal(
      'call_lost',
      'The part of the gateway that held this call has been stopped, and the call with it; whether it was done is not known. ' +
        'To make it again, leave out requestState.',
    ),
  );
}

async function endingOf({ exchange: { facts } }: Call, { end, ...told }: RoundEnd, edge: Edge): Promise<Ending> {
  facts.detail = { ...facts.detail, ...told.detail };
  facts.upstream_us = told.upstreamUs;
  facts.upstream_rpc_id = told.upstreamRpcId;
  facts.answered = told.upstreamRpcId !== '';
  facts.result_tokens = told.resultTokens;
  facts.model_tokens_in = told.modelTokensIn;
  facts.model_tokens_out = told.modelTokensOut;
  if (end.case === 'refused') return refused(refusalOf(end.value));
  if (end.case !== 'response') throw new Error('another edge does not say how a call has ended');
  const { status, message, failed, code } = end.value;
  const bytes = await edge.peers.contents.unpack(message);
  return { kind: 'response', status, bytes, outcome: failed ? 'error' : 'ok', ...(code !== 0 && { code }) };
}
