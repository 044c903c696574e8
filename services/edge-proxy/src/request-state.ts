import { createHash } from 'node:crypto';
import { membersOf, sliceAt, stringAt } from '@switchyard/mcp';
import type { Clock } from '@switchyard/runtime';
import type { EdgeKey } from './edge-key.js';
import type { Round } from './exchange.js';
import { Refusal } from './refusal.js';
import * as z from 'zod';

/** How long a state that an upstream gave may come back. */
export const REQUEST_STATE_MS = 600_000;

const content = z.object({
  /** JSON text of the string that the upstream gave; absent where it gave none. */
  upstream: z.string().optional(),
  /** The call that waits for the answers, and the edge where it waits. */
  suspended: z.object({ id: z.string(), edge: z.string() }).optional(),
  /** The caller was asked to connect to the upstream: the call was not made, and is not waited with after this. */
  connectUntilMs: z.number().optional(),
});

/** What a `requestState` of the gateway's stands for. */
export type RequestState = z.infer<typeof content>;

const sealed = content.extend({ untilMs: z.number() });

/** The part of a call that a state is bound to. */
type Bound = Pick<Round, 'caller' | 'inbound'> & { readonly exchange: Pick<Round['exchange'], 'server' | 'facts'> };

/**
 * Seals what a client has to give back with a retry (MCP 2026-07-28, "Multi Round-Trip Requests"), so that it can be neither read nor
 * altered, and opens only for the same caller, server, upstream, method and params, on any edge.
 */
export class RequestStates {
  /** @param key of all edges */
  constructor(
    private readonly key: EdgeKey,
    private readonly clock: Clock,
  ) {}

  /** JSON text of the string that the client gets. @param lifeMs how long it can be opened */
  seal(call: Bound, upstream: string, state: RequestState, lifeMs: number): string {
    const text = JSON.stringify({ ...state, untilMs: this.clock.now() + lifeMs });
    return `"${this.key.seal(Buffer.from(text), bindingOf(call, upstream)).toString('base64url')}"`;
  }

  /** What the `requestState` of a retry stands for; a refusal where it is not one that was given for this request, or is too old. */
  read(call: Bound, upstream: string): RequestState | Refusal {
    const { bytes, envelope } = call.inbound;
    const text = envelope.requestStateRange && stringAt(bytes, envelope.requestStateRange);
    const plain = text === undefined ? undefined : this.key.open(Buffer.from(text, 'base64url'), bindingOf(call, upstream));
    if (plain === undefined) return invalid(call, 'not_for_this_request', 'was not given for this request, or has been altered');
    const { untilMs, ...state } = sealed.parse(JSON.parse(plain.toString('utf8')));
    return untilMs > this.clock.now() ? state : invalid(call, 'expired', 'has expired');
  }
}

function invalid(call: Bound, because: string, what: string): Refusal {
  call.exchange.facts.detail = { ...call.exchange.facts.detail, because };
  return new Refusal('request_state_invalid', `This requestState ${what}. Make the request again without it.`);
}

/** What may differ between a request and its retry. */
const PER_ROUND: ReadonlySet<string> = new Set(['_meta', 'inputResponses', 'requestState']);

/** Who asks for what: a state opens only where all of it is the same. */
function bindingOf({ caller, exchange, inbound }: Bound, upstream: string): Buffer {
  const { tenant, issuer, subject } = caller.principal;
  const { bytes, envelope } = inbound;
  const params = (envelope.paramsRange && membersOf(bytes, envelope.paramsRange)) ?? [];
  const asked = params
    .filter(({ key }) => !PER_ROUND.has(key))
    .map(({ key, value }) => [key, sliceAt(bytes, value)] as const)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  const parts = [tenant, issuer, subject, caller.clientId, exchange.server.slug, upstream, envelope.method, asked];
  return createHash('sha256').update(JSON.stringify(parts)).digest();
}
