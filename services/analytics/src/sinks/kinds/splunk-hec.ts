import type { SinkConfigOf } from '@switchyard/gateway-config';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { answerOutcome } from '../http/answer-outcome.js';
import { parseAnswer, post, type Answer } from '../http/post.js';
import { MAPPINGS } from '../mappings.js';
import { each, type Outcome, type Sink, type SinkItem, type SinkParts } from '../sink.js';

type Settings = SinkConfigOf<'splunk-hec'>;

/** What Splunk Cloud takes in one request; several share one wait for their acknowledgement. */
const REQUEST_BYTES = 1_000_000;
const LIMITS = { items: 10_000, bytes: 4_000_000, itemBytes: 900_000, itemOverheadBytes: 600 };
/** How long the indexer may take; what it has not acknowledged by then is sent again. */
const ACK_WITHIN_MS = 120_000;
const FIRST_POLL_MS = 200;
const LONGEST_POLL_MS = 5_000;

const accepted = z.object({ code: z.number(), ackId: z.number().optional(), 'invalid-event-number': z.number().optional() });
const acks = z.object({ acks: z.record(z.string(), z.boolean()) });

/** Codes of the collector that are about one event: no data, invalid format, event missing, event blank, indexed fields. */
const EVENT_CODES: ReadonlySet<number> = new Set([5, 6, 12, 13, 15]);
/** Codes that are about how the sink is configured: index, channel missing, channel invalid, acknowledgement not enabled. */
const CONFIG_CODES: ReadonlySet<number> = new Set([7, 10, 11, 14]);

/** Opens Splunk's HTTP Event Collector. */
export async function openSplunkHecSink(settings: Settings, parts: SinkParts): Promise<Sink> {
  return new SplunkHecSink(settings, parts);
}

class SplunkHecSink implements Sink {
  readonly limits = LIMITS;
  readonly #settings: Settings;
  readonly #parts: SinkParts;
  readonly #base: string;
  /** Acknowledgements are counted for each channel; one that another process has used is none of ours. */
  readonly #channel = randomUUID();
  readonly #isJson: boolean;

  constructor(settings: Settings, parts: SinkParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#base = `${settings.url.replace(/\/+$/, '')}/services/collector`;
    this.#isJson = MAPPINGS[settings.mapping].contentType === 'application/json';
  }

  async deliver(items: readonly SinkItem[], signal: AbortSignal): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    const pending = new Map<number, { readonly from: number; readonly count: number }>();
    for (const request of this.#requests(items)) {
      const { sent, ackId } = await this.#send(request, signal);
      if (ackId !== undefined) pending.set(ackId, { from: outcomes.length, count: request.length });
      outcomes.push(...sent);
      // Nothing behind what was not taken.
      if (ackId === undefined && sent.some(({ is }) => is !== 'delivered')) break;
    }
    while (outcomes.length < items.length) outcomes.push({ is: 'retry', reason: 'not_sent' });
    const missing = await this.#acknowledged([...pending.keys()], signal);
    for (const ackId of missing) {
      const { from = 0, count = 0 } = pending.get(ackId) ?? {};
      outcomes.fill({ is: 'retry', reason: 'not_acknowledged' }, from, from + count);
    }
    return outcomes;
  }

  async close(): Promise<void> {
    // Nothing is held.
  }

  *#requests(items: readonly SinkItem[]): Generator<SinkItem[]> {
    let request: SinkItem[] = [];
    let bytes = 0;
    for (const item of items) {
      const size = item.bytes + LIMITS.itemOverheadBytes;
      if (request.length > 0 && bytes + size > REQUEST_BYTES) {
        yield request;
        [request, bytes] = [[], 0];
      }
      request.push(item);
      bytes += size;
    }
    if (request.length > 0) yield request;
  }

  async #send(items: readonly SinkItem[], signal: AbortSignal): Promise<{ sent: Outcome[]; ackId?: number }> {
    const answer = await this.#post('/event', items.map((item) => this.#event(item)).join('\n'), signal);
    const said = parseAnswer(accepted, answer);
    const outcome = answerOutcome(answer);
    if (outcome.is === 'delivered' && this.#settings.acknowledge) {
      const { ackId } = said ?? {};
      if (ackId === undefined) return { sent: each({ is: 'misconfigured', reason: 'acknowledgement_not_enabled' }, items) };
      return { sent: each(outcome, items), ackId };
    }
    if (answer.status !== 400 || said === undefined) return { sent: each(outcome, items) };
    const reason = `hec_${said.code}`;
    if (CONFIG_CODES.has(said.code)) return { sent: each({ is: 'misconfigured', reason }, items) };
    const wrong = said['invalid-event-number'];
    if (wrong === undefined || !EVENT_CODES.has(said.code)) return { sent: each(outcome, items) };
    return {
      sent: items.map((_item, index) =>
        index === wrong ? { is: 'refused', reason } : { is: 'retry', reason: 'sent_with_one_refused' },
      ),
    };
  }

  /** @returns the acknowledgements that did not come in time */
  async #acknowledged(ackIds: readonly number[], signal: AbortSignal): Promise<readonly number[]> {
    const { clock, wait } = this.#parts;
    const untilMs = clock.now() + ACK_WITHIN_MS;
    let missing = ackIds;
    for (let pollMs = FIRST_POLL_MS; missing.length > 0; pollMs = Math.min(2 * pollMs, LONGEST_POLL_MS)) {
      await wait(pollMs, signal);
      if (signal.aborted || clock.now() > untilMs) return missing;
      const body = JSON.stringify({ acks: missing });
      // One that fails is asked again: what was sent may well be indexed.
      const answer = await this.#post('/ack', body, signal).catch(() => undefined);
      const said = answer?.status === 200 ? parseAnswer(acks, answer) : undefined;
      missing = missing.filter((ackId) => said?.acks[String(ackId)] !== true);
    }
    return missing;
  }

  #post(path: string, body: string, signal: AbortSignal): Promise<Answer> {
    const { token, timeoutMs } = this.#settings;
    const headers = {
      authorization: `Splunk ${token}`,
      'content-type': 'application/json',
      'x-splunk-request-channel': this.#channel,
    };
    return post(this.#parts.egress, { url: this.#base + path, headers, body, timeoutMs, signal }, this.#parts.clock);
  }

  #event({ id, event, text }: SinkItem): string {
    const { index, source, sourcetype } = this.#settings;
    const about = {
      time: Date.parse(event.occurred_at ?? '') / 1000,
      host: event.emitter ?? '',
      source,
      sourcetype,
      ...(index === undefined ? {} : { index }),
      fields: { event_id: id },
    };
    return `${JSON.stringify(about).slice(0, -1)},"event":${this.#isJson ? text : JSON.stringify(text)}}`;
  }
}
