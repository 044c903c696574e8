import type { IncomingMessage } from 'node:http';
import { Refusal } from '../refusal.js';
import type { RequestHead } from './request-head.js';

const mediaType = (contentType: string | undefined) => (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase();

/** `*` and `type/*` count as naming the type (RFC 9110 §12.5.1). */
function accepts(accept: string | undefined, type: string): boolean {
  const offers = (accept ?? '*/*').split(',').map(mediaType);
  return offers.includes(type) || offers.includes('*/*') || offers.includes(`${type.split('/')[0]}/*`);
}

/** Checks that the body may be read at all, before a byte of it is. @param limitBytes largest body taken */
export function checkBodyHead(head: RequestHead, limitBytes: number): Refusal | undefined {
  if (mediaType(head.contentType) !== 'application/json') {
    return new Refusal('unsupported_media_type', 'Send JSON-RPC with Content-Type: application/json.');
  }
  if (head.contentEncoding !== undefined && head.contentEncoding !== 'identity') {
    return new Refusal('unsupported_media_type', 'Compressed request bodies are not taken; send the body as it is.');
  }
  if (!accepts(head.accept, 'application/json') || !accepts(head.accept, 'text/event-stream')) {
    return new Refusal('not_acceptable', 'Accept must list both application/json and text/event-stream.');
  }
  return head.contentLength !== undefined && head.contentLength > limitBytes ? tooLarge(limitBytes) : undefined;
}

/**
 * Reads the whole body.
 * @param limits.bodyLimitBytes largest body taken; the rest of a larger one is not read
 * @param limits.bodyTimeoutMs longest wait for its end
 */
export function readBody(
  request: IncomingMessage,
  limits: { readonly bodyLimitBytes: number; readonly bodyTimeoutMs: number },
): Promise<Buffer | Refusal> {
  // The client may have gone while it was found out who it is; then nothing more is heard of its request.
  if (request.destroyed) return Promise.resolve(gone());
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const take = (chunk: Buffer) => {
      size += chunk.length;
      if (size > limits.bodyLimitBytes) settle(tooLarge(limits.bodyLimitBytes));
      else chunks.push(chunk);
    };
    const settle = (body: Buffer | Refusal) => {
      clearTimeout(timer);
      request.off('data', take);
      if (body instanceof Refusal) request.pause();
      resolve(body);
    };
    const timer = setTimeout(() => settle(tooSlow(limits.bodyTimeoutMs)), limits.bodyTimeoutMs);
    request.on('data', take);
    request.once('end', () => settle(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    request.once('error', () => settle(gone()));
  });
}

/** Nobody is there to read the answer; the exchange still has to end. */
const gone = () => new Refusal('cancelled', 'The client went away while it sent its request.');

const tooSlow = (timeoutMs: number) => new Refusal('body_timeout', `The body was not complete within ${timeoutMs} ms.`);

const tooLarge = (limitBytes: number) => new Refusal('body_too_large', `The body is larger than ${limitBytes} bytes.`);
