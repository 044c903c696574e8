import type { Egress } from '@switchyard/egress';
import type { Clock } from '@switchyard/runtime';
import type { z } from 'zod';

/** What is posted. */
export interface PostRequest {
  readonly url: string;
  /** Unless given: POST. */
  readonly method?: 'PUT';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Most bytes of the answer that are read; 1 MiB unless told. */
  readonly answerBytes?: number;
}

/** What was answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly bytes: Uint8Array;
  /** How long the receiver asks to be left alone (RFC 9110 section 10.2.3); 0 where it does not. */
  readonly retryAfterMs: number;
}

const ANSWER_BYTES = 1024 ** 2;

/** Posts, and reads the whole answer. @throws where there is none: no connection, cut, too slow, too long, a redirect */
export async function post(egress: Egress, request: PostRequest, clock: Clock): Promise<Answer> {
  const { url, headers, timeoutMs, signal } = request;
  const body = typeof request.body === 'string' ? request.body : Buffer.from(request.body);
  const response = await egress.fetch(url, {
    method: request.method ?? 'POST',
    headers: { 'user-agent': 'switchyard', ...headers },
    body,
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  });
  const { status, headers: fields } = response;
  const bytes = await readBytes(response, request.answerBytes ?? ANSWER_BYTES);
  return { status, headers: fields, bytes, text: bytes.toString('utf8'), retryAfterMs: retryAfterMs(fields, clock) };
}

async function readBytes({ body }: Response, limitBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > limitBytes) throw new Error(`the answer is longer than ${limitBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function retryAfterMs(headers: Headers, clock: Clock): number {
  const text = headers.get('retry-after')?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? 0 : Math.max(0, atMs - clock.now());
}

/** An answer's JSON; undefined where it is not what the product documents. */
export function parseAnswer<Schema extends z.ZodType>(schema: Schema, { text }: Answer): z.output<Schema> | undefined {
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
