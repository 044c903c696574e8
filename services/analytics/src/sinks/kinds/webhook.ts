import type { SinkConfigOf } from '@switchyard/gateway-config';
import { createHash, createHmac } from 'node:crypto';
import { answerOutcome } from '../http/answer-outcome.js';
import { post } from '../http/post.js';
import { MAPPINGS } from '../mappings.js';
import { each, Misconfigured, type Outcome, type Sink, type SinkItem, type SinkParts } from '../sink.js';

const BODY_BYTES = 1024 ** 2;
const PREFIX = 'whsec_';

/** Opens a URL that batches of events are posted to, signed as Standard Webhooks 1.0 says. @throws Misconfigured */
export async function openWebhookSink(settings: SinkConfigOf<'webhook'>, { egress, clock }: SinkParts): Promise<Sink> {
  const key = keyOf(settings.secret);
  const isJson = MAPPINGS[settings.mapping].contentType === 'application/json';
  const limits = { items: settings.batchEvents, bytes: BODY_BYTES, itemBytes: BODY_BYTES / 2, itemOverheadBytes: 3 };
  const deliver = async (items: readonly SinkItem[], signal: AbortSignal): Promise<Outcome[]> => {
    const id = `batch_${createHash('sha256')
      .update(items.map((item) => item.id).join('\n'))
      .digest('base64url')}`;
    const atSeconds = Math.floor(clock.now() / 1000);
    const data = items.map(({ text }) => (isJson ? text : JSON.stringify(text))).join(',');
    const body = `{"type":"audit.events","timestamp":"${new Date(clock.now()).toISOString()}","data":[${data}]}`;
    const signature = createHmac('sha256', key).update(`${id}.${atSeconds}.${body}`).digest('base64');
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(atSeconds),
      'webhook-signature': `v1,${signature}`,
    };
    const answer = await post(egress, { url: settings.url, headers, body, timeoutMs: settings.timeoutMs, signal }, clock);
    return each(answerOutcome(answer), items);
  };
  return { limits, deliver, close: async () => undefined };
}

function keyOf(secret: string): Buffer {
  const text = secret.trim();
  const key = Buffer.from(text.startsWith(PREFIX) ? text.slice(PREFIX.length) : '', 'base64');
  if (key.length >= 24 && key.length <= 64) return key;
  throw new Misconfigured(`the secret of a webhook must be "${PREFIX}" and 24 to 64 bytes in base64`);
}
