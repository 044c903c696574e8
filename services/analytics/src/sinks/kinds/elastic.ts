import type { SinkConfigOf } from '@switchyard/gateway-config';
import { z } from 'zod';
import { answerOutcome } from '../http/answer-outcome.js';
import { parseAnswer, post } from '../http/post.js';
import { each, type Outcome, type Sink, type SinkItem, type SinkParts } from '../sink.js';

const LIMITS = { items: 5_000, bytes: 5_000_000, itemBytes: 1_000_000, itemOverheadBytes: 800 };
const ANSWER_BYTES = 8 * 1024 ** 2;

const item = z.object({ status: z.number(), error: z.object({ type: z.string().optional() }).optional() });
const bulkAnswer = z.object({ items: z.array(z.object({ create: item })).optional() });

/** Opens Elasticsearch or OpenSearch: the bulk API with `create`, so that what is there already is not written again. */
export async function openElasticSink(settings: SinkConfigOf<'elastic'>, { egress, clock }: SinkParts): Promise<Sink> {
  const { url, index, timeoutMs } = settings;
  const target = `${url.replace(/\/+$/, '')}/${index}/_bulk?filter_path=items.*.status,items.*.error.type`;
  const headers = { 'content-type': 'application/x-ndjson', ...authorization(settings) };
  const deliver = async (items: readonly SinkItem[], signal: AbortSignal): Promise<readonly Outcome[]> => {
    const body = items.map(actionOf).join('');
    const answer = await post(egress, { url: target, headers, body, timeoutMs, signal, answerBytes: ANSWER_BYTES }, clock);
    const outcome = answerOutcome(answer);
    if (outcome.is !== 'delivered') return each(outcome, items);
    const said = parseAnswer(bulkAnswer, answer)?.items;
    // What says nothing of each was not the bulk API.
    if (said?.length !== items.length) return each({ is: 'retry', reason: 'no_answer_for_each' }, items);
    return said.map(({ create }) => outcomeOf(create));
  };
  return { limits: LIMITS, deliver, close: async () => undefined };
}

function authorization({ apiKey, username, password }: SinkConfigOf<'elastic'>): Record<string, string> {
  if (apiKey !== undefined) return { authorization: `ApiKey ${apiKey}` };
  if (username === undefined) return {};
  return { authorization: `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}` };
}

/** A document needs @timestamp to be in a data stream; mappings that have it of their own begin with it. */
function actionOf({ id, event, text }: SinkItem): string {
  const document = text.startsWith('{"@timestamp"')
    ? text
    : `{"@timestamp":${JSON.stringify(event.occurred_at ?? '')},${text.slice(1)}`;
  return `${JSON.stringify({ create: { _id: id } })}\n${document}\n`;
}

/** What is there already (409) was delivered before. A blocked or missing index is no fault of the event. */
function outcomeOf({ status, error }: z.infer<typeof item>): Outcome {
  const reason = `elastic_${status}${error?.type === undefined ? '' : `_${error.type}`}`;
  if (status === 409 || (status >= 200 && status < 300)) return { is: 'delivered' };
  if (status === 401 || status === 403 || status === 404) return { is: 'misconfigured', reason };
  if (status === 429 || status >= 500) return { is: 'retry', reason };
  return { is: 'refused', reason };
}
