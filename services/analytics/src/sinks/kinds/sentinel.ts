import type { SinkConfigOf } from '@switchyard/gateway-config';
import { z } from 'zod';
import { answerOutcome } from '../http/answer-outcome.js';
import { parseAnswer, post } from '../http/post.js';
import { each, type Outcome, type Sink, type SinkItem, type SinkParts } from '../sink.js';

type Settings = SinkConfigOf<'sentinel'>;

/** A call of the Logs Ingestion API takes 1 MB. */
const LIMITS = { items: 5_000, bytes: 990_000, itemBytes: 900_000, itemOverheadBytes: 700 };
/** A time that is older is replaced by that of ingestion; `OccurredAt` is always the true one. */
const OLDEST_MS = 47 * 3_600_000;
/** A token that ends within this time is not used any more. */
const MARGIN_MS = 60_000;
const DEFAULT_LIFE_SECONDS = 300;
const API_VERSION = '2023-01-01';

const tokenAnswer = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number().default(DEFAULT_LIFE_SECONDS) });

/** Opens Microsoft Sentinel, by the Logs Ingestion API. */
export async function openSentinelSink(settings: Settings, parts: SinkParts): Promise<Sink> {
  return new SentinelSink(settings, parts);
}

class SentinelSink implements Sink {
  readonly limits = LIMITS;
  readonly #settings: Settings;
  readonly #parts: SinkParts;
  readonly #url: string;
  #token: { readonly text: string; readonly untilMs: number } | undefined;

  constructor(settings: Settings, parts: SinkParts) {
    this.#settings = settings;
    this.#parts = parts;
    const { url, rule, stream } = settings;
    this.#url = `${url.replace(/\/+$/, '')}/dataCollectionRules/${rule}/streams/${stream}?api-version=${API_VERSION}`;
  }

  async deliver(items: readonly SinkItem[], signal: AbortSignal): Promise<readonly Outcome[]> {
    const { egress, clock } = this.#parts;
    const token = await this.#accessToken(signal);
    if (typeof token !== 'string') return each(token, items);
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
    const body = `[${items.map((item) => rowOf(item, clock.now())).join(',')}]`;
    const answer = await post(egress, { url: this.#url, headers, body, timeoutMs: this.#settings.timeoutMs, signal }, clock);
    if (answer.status === 401) this.#token = undefined;
    return each(answerOutcome(answer), items);
  }

  async close(): Promise<void> {
    this.#token = undefined;
  }

  /** Client credentials grant (RFC 6749 section 4.4). */
  async #accessToken(signal: AbortSignal): Promise<string | Outcome> {
    const { egress, clock } = this.#parts;
    if (this.#token !== undefined && this.#token.untilMs > clock.now()) return this.#token.text;
    const { authority, tenantId, clientId, clientSecret, scope, timeoutMs } = this.#settings;
    const url = `${authority.replace(/\/+$/, '')}/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`;
    const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret, scope };
    const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
    const body = new URLSearchParams(form).toString();
    const answer = await post(egress, { url, headers, body, timeoutMs, signal }, clock);
    const said = parseAnswer(tokenAnswer, answer);
    const outcome = answerOutcome(answer, { 400: 'misconfigured' });
    if (outcome.is !== 'delivered' || said === undefined) {
      const reason = `token_${answer.status}`;
      return outcome.is === 'retry' ? { ...outcome, reason } : { is: 'misconfigured', reason };
    }
    this.#token = { text: said.access_token, untilMs: clock.now() + said.expires_in * 1000 - MARGIN_MS };
    return said.access_token;
  }
}

function rowOf({ id, event, text }: SinkItem, nowMs: number): string {
  const { occurred_at: occurredAt = '', type = '', outcome = '' } = event;
  const occurredAtMs = Date.parse(occurredAt);
  const generatedAtMs = Number.isNaN(occurredAtMs) ? nowMs : Math.max(occurredAtMs, nowMs - OLDEST_MS);
  const row = {
    TimeGenerated: new Date(generatedAtMs).toISOString(),
    OccurredAt: occurredAt,
    EventId: id,
    EventType: type,
    Outcome: outcome,
  };
  return `${JSON.stringify(row).slice(0, -1)},"Event":${text}}`;
}
