import type { SinkConfigOf } from '@switchyard/gateway-config';
import { answerOutcome } from '../http/answer-outcome.js';
import { post } from '../http/post.js';
import { each, type Outcome, type Sink, type SinkItem, type SinkParts } from '../sink.js';

/** 5 MB and 1000 entries a request, 1 MB an entry; Datadog would cut a longer one without saying so. */
const LIMITS = { items: 1_000, bytes: 4_900_000, itemBytes: 990_000, itemOverheadBytes: 1_500 };
/** Datadog takes times of up to 18 hours ago; what is older is said to be of then, and has its own time in `occurred_at`. */
const OLDEST_MS = 17.5 * 3_600_000;

/** Opens Datadog logs. */
export async function openDatadogSink(settings: SinkConfigOf<'datadog'>, { egress, clock }: SinkParts): Promise<Sink> {
  const { site, apiKey, timeoutMs } = settings;
  const url = `${(settings.url ?? `https://http-intake.logs.${site}`).replace(/\/+$/, '')}/api/v2/logs`;
  const headers = { 'content-type': 'application/json', 'dd-api-key': apiKey };
  const deliver = async (items: readonly SinkItem[], signal: AbortSignal): Promise<Outcome[]> => {
    const body = `[${items.map((item) => entryOf(item, settings, clock.now())).join(',')}]`;
    return each(answerOutcome(await post(egress, { url, headers, body, timeoutMs, signal }, clock)), items);
  };
  return { limits: LIMITS, deliver, close: async () => undefined };
}

function entryOf({ id, event, text }: SinkItem, { service, tags }: SinkConfigOf<'datadog'>, nowMs: number): string {
  const { occurred_at: occurredAt = '', type = '', outcome = '', emitter = '', capability = '' } = event;
  const atMs = Date.parse(occurredAt);
  const isLate = nowMs - atMs > OLDEST_MS;
  const entry = {
    ddsource: 'switchyard',
    service,
    hostname: emitter,
    ddtags: tags.join(','),
    message: [type, capability.slice(0, 200), outcome].filter((part) => part !== '').join(' '),
    status: outcome === 'ok' ? 'info' : 'warn',
    timestamp: isLate ? Math.floor(nowMs - OLDEST_MS) : atMs,
    event_id: id,
    occurred_at: occurredAt,
    ...(isLate && { late: true }),
  };
  return `${JSON.stringify(entry).slice(0, -1)},"event":${text}}`;
}
