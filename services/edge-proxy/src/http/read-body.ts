import type { Readable } from 'node:stream';
import { acceptsJsonAndEvents, isJsonContentType } from '@switchyard/mcp';
import { Refusal } from '../refusal.js';
import type { RequestHead } from './request-head.js';

/** Checks that the body may be read at all, before a byte of it is. @param limitBytes largest body taken */
export function checkBodyHead(head: RequestHead, limitBytes: number): Refusal | undefined {
  if (!isJsonContentType(head.contentType)) {
    return new Refusal('unsupported_media_type', 'Send JSON-RPC with Content-Type: application/json.');
  }
  if (head.contentEncoding !== undefined && head.contentEncoding !== 'identity') {
    return new Refusal('unsupported_media_type', 'Compressed request bodies are not taken; send the body as it is.');
  }
  if (!acceptsJsonAndEvents(head.accept)) {
    return new Refusal('not_acceptable', 'Accept must list both application/json and text/event-stream.');
  }
  return head.contentLength !== undefined && head.contentLength > limitBytes ? tooLarge(limitBytes) : undefined;
}

/**
 * Reads the whole body.
 * @param contentLength what the request says of it, and `checkBodyHead` has found to be within the limit
 * @param limits.bodyLimitBytes largest body taken; the rest of a larger one is not read
 * @param limits.bodyTimeoutMs longest wait for its end
 */
export function readBody(
  request: Readable,
  contentLength: number | undefined,
  limits: { readonly bodyLimitBytes: number; readonly bodyTimeoutMs: number },
): Buffer | Refusal | Promise<Buffer | Refusal> {
  // Small bodies arrive with the header fields, and need no waiting.
  if (contentLength !== undefined && request.readableLength === contentLength)
    return (request.read() as Buffer | null) ?? Buffer.alloc(0);
  // The client may have gone while it was found out who it is; then nothing more is heard of its request.
  if (request.destroyed) return gone();
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
