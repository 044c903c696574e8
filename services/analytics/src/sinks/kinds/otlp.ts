import { JsonLogsSerializer, ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer';
import type { SinkConfigOf } from '@switchyard/gateway-config';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { z } from 'zod';
import { answerOutcome } from '../http/answer-outcome.js';
import { post, type Answer } from '../http/post.js';
import { each, type Outcome, type Sink, type SinkItem, type SinkParts } from '../sink.js';
import { logRecordsOf } from './otlp-record.js';

/** A collector takes 20 MiB a request unless told otherwise; what stands in attributes is in the text too. */
const LIMITS = { items: 1_000, bytes: 4_000_000, itemBytes: 1_000_000, itemOverheadBytes: 2_500 };

const ENCODINGS = {
  protobuf: { contentType: 'application/x-protobuf', serializer: ProtobufLogsSerializer },
  json: { contentType: 'application/json', serializer: JsonLogsSerializer },
} as const;

/**
 * "All other 4xx or 5xx response status codes MUST NOT be retried" than 429, 502, 503 and 504 (OTLP 1.10, "Retryable Response
 * Codes"). Of 4xx nothing was taken: other, smaller requests find the event that is at fault. Of 5xx a part may have been.
 */
const OWN_MEANINGS: Readonly<Record<number, Outcome['is']>> = {
  408: 'split',
  421: 'split',
  425: 'split',
  500: 'refused',
  501: 'refused',
  505: 'refused',
  506: 'refused',
  507: 'refused',
  508: 'refused',
  511: 'refused',
};

const compress = promisify(gzip);

/** Opens what takes OTLP logs over HTTP. */
export async function openOtlpSink(settings: SinkConfigOf<'otlp'>, { egress, clock }: SinkParts): Promise<Sink> {
  const { encoding, compression, resource, timeoutMs } = settings;
  const { contentType, serializer } = ENCODINGS[encoding];
  const url = logsUrl(settings.url);
  const headers = {
    ...Object.fromEntries(Object.entries(settings.headers).map(([name, value]) => [name, value.trim()])),
    'content-type': contentType,
    ...(compression === 'gzip' && { 'content-encoding': 'gzip' }),
  };
  const deliver = async (items: readonly SinkItem[], signal: AbortSignal): Promise<readonly Outcome[]> => {
    const message = serializer.serializeRequest(logRecordsOf(items, resource)) ?? new Uint8Array();
    const body = compression === 'gzip' ? await compress(message) : message;
    const answer = await post(egress, { url, headers, body, timeoutMs, signal }, clock);
    const outcome = answerOutcome(answer, OWN_MEANINGS);
    return outcome.is === 'delivered' ? settled(answer, items) : each(outcome, items);
  };
  return { limits: LIMITS, deliver, close: async () => undefined };
}

/** A base URL has the path of the signal put behind it (OTLP exporter specification, "Endpoint URLs for OTLP/HTTP"). */
function logsUrl(base: string): string {
  const url = new URL(base);
  const path = url.pathname.replace(/\/+$/, '');
  url.pathname = path.endsWith('/v1/logs') ? path : `${path}/v1/logs`;
  return url.href;
}

/**
 * A receiver that takes a part says how many it did not take, not which, and what it was sent must not be sent again (OTLP 1.10,
 * "Partial Success"). So all of the request is put aside, from where an operator may send it.
 */
function settled(answer: Answer, items: readonly SinkItem[]): readonly Outcome[] {
  // A page for people, of something that stands before the receiver: nothing was taken.
  if (answer.headers.get('content-type')?.startsWith('text/html')) return each({ is: 'misconfigured', reason: 'no_otlp' }, items);
  const rejected = rejectedCount(answer);
  if (rejected === 0) return each({ is: 'delivered' }, items);
  return each({ is: 'refused', reason: `partial_success: ${rejected} of ${items.length} rejected` }, items);
}

const RESPONSES: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
  'application/x-protobuf': (bytes) => ProtobufLogsSerializer.deserializeResponse(bytes),
  'application/json': (bytes) => JsonLogsSerializer.deserializeResponse(bytes),
};
const response = z.object({ partialSuccess: z.object({ rejectedLogRecords: z.coerce.number().nonnegative() }) });

/** How many were not taken. An answer that says nothing of it, in whatever words, is what its status says: all were taken. */
function rejectedCount({ bytes, headers }: Answer): number {
  const read = RESPONSES[headers.get('content-type')?.split(';', 1)[0]?.trim() ?? ''];
  try {
    const parsed = response.safeParse(read?.(bytes));
    return parsed.success ? parsed.data.partialSuccess.rejectedLogRecords : 0;
  } catch {
    return 0;
  }
}
