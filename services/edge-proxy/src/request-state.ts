import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { membersOf, sliceAt, stringAt } from '@switchyard/mcp';
import type { Clock } from '@switchyard/runtime';
import type { KvStore } from '@switchyard/state';
import type { Call } from './exchange.js';
import { Refusal } from './refusal.js';
import * as z from 'zod';

/** How long a state that an upstream gave may come back. */
export const REQUEST_STATE_MS = 600_000;

const KEY = 'request-state-key';
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 1;

const content = z.object({
  /** JSON text of the string that the upstream gave; absent where it gave none. */
  upstream: z.string().optional(),
  /** The call that waits for the answers, and the edge where it waits. */
  suspended: z.object({ id: z.string(), edge: z.string() }).optional(),
});

/** What a `requestState` of the gateway's stands for. */
export type RequestState = z.infer<typeof content>;

const sealed = content.extend({ untilMs: z.number() });

/**
 * Seals what a client has to give back with a retry (MCP 2026-07-28, "Multi Round-Trip Requests"), so that it can be neither read nor
 * altered, and opens only for the same caller, server, upstream, method and params, on any edge.
 */
export class RequestStates {
  readonly #key: Buffer;
  readonly #clock: Clock;

  private constructor(key: Buffer, clock: Clock) {
    this.#key = key;
    this.#clock = clock;
  }

  /** @param kv where all edges find the same key; the first of them makes it */
  static async open(kv: KvStore, clock: Clock): Promise<RequestStates> {
    for (;;) {
      const found = await kv.get(KEY);
      if (found !== undefined) return new RequestStates(Buffer.from(found.value), clock);
      const key = randomBytes(KEY_BYTES);
      if ((await kv.create(KEY, key)).ok) return new RequestStates(key, clock);
    }
  }

  /** JSON text of the string that the client gets. @param lifeMs how long it can be opened */
  seal(call: Call, upstream: string, state: RequestState, lifeMs: number): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv).setAAD(bindingOf(call, upstream));
    const text = JSON.stringify({ ...state, untilMs: this.#clock.now() + lifeMs });
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return `"${Buffer.concat([Buffer.of(VERSION), iv, body, cipher.getAuthTag()]).toString('base64url')}"`;
  }

  /** What the `requestState` of a retry stands for; a refusal where it is not one that was given for this request, or is too old. */
  read(call: Call, upstream: string): RequestState | Refusal {
    const { bytes, envelope } = call.inbound;
    const text = envelope.requestStateRange && stringAt(bytes, envelope.requestStateRange);
    const plain = text === undefined ? undefined : this.#decrypt(Buffer.from(text, 'base64url'), bindingOf(call, upstream));
    if (plain === undefined) return invalid(call, 'not_for_this_request', 'was not given for this request, or has been altered');
    const { untilMs, ...state } = sealed.parse(JSON.parse(plain));
    return untilMs > this.#clock.now() ? state : invalid(call, 'expired', 'has expired');
  }

  #decrypt(bytes: Buffer, binding: Buffer): string | undefined {
    if (bytes.length <= 1 + IV_BYTES + TAG_BYTES || bytes[0] !== VERSION) return undefined;
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(1, 1 + IV_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(binding).setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      return decipher.update(bytes.subarray(1 + IV_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      return undefined;
    }
  }
}

function invalid(call: Call, because: string, what: string): Refusal {
  call.exchange.facts.detail = { ...call.exchange.facts.detail, because };
  return new Refusal('request_state_invalid', `This requestState ${what}. Make the request again without it.`);
}

/** What may differ between a request and its retry. */
const PER_ROUND: ReadonlySet<string> = new Set(['_meta', 'inputResponses', 'requestState']);

/** Who asks for what: a state opens only where all of it is the same. */
function bindingOf({ caller, exchange, inbound }: Call, upstream: string): Buffer {
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
