import type { SinkConfigOf } from '@switchyard/gateway-config';
import { createHash } from 'node:crypto';
import { answerOutcome } from '../http/answer-outcome.js';
import { post } from '../http/post.js';
import { signedFields, webhookKey } from '../http/sign-webhook.js';
import { MAPPINGS } from '../mappings.js';
import { each, type Outcome, type Sink, type SinkItem, type SinkParts } from '../sink.js';

const BODY_BYTES = 1024 ** 2;

/** Opens a URL that batches of events are posted to, signed as Standard Webhooks 1.0 says. @throws Misconfigured */
export async function openWebhookSink(settings: SinkConfigOf<'webhook'>, { egress, clock }: SinkParts): Promise<Sink> {
  const key = webhookKey(settings.secret);
  const isJson = MAPPINGS[settings.mapping].contentType === 'application/json';
  const limits = { items: settings.batchEvents, bytes: BODY_BYTES, itemBytes: BODY_BYTES / 2, itemOverheadBytes: 3 };
  const deliver = async (items: readonly SinkItem[], signal: AbortSignal): Promise<Outcome[]> => {
    const id = `batch_${createHash('sha256')
      .update(items.map((item) => item.id).join('\n'))
      .digest('base64url')}`;
    const nowMs = clock.now();
    const data = items.map(({ text }) => (isJson ? text : JSON.stringify(text))).join(',');
    const body = `{"type":"audit.events","timestamp":"${new Date(nowMs).toISOString()}","data":[${data}]}`;
    const headers = signedFields(key, id, body, nowMs);
    const answer = await post(egress, { url: settings.url, headers, body, timeoutMs: settings.timeoutMs, signal }, clock);
    return each(answerOutcome(answer), items);
  };
  return { limits, deliver, close: async () => undefined };
}
