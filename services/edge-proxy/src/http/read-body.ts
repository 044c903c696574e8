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

/** Reads the whole body. @returns a refusal as soon as it grows beyond `limitBytes`; the rest is not read */
export function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer | Refusal> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limitBytes) {
        request.removeAllListeners('data').pause();
        resolve(tooLarge(limitBytes));
      } else {
        chunks.push(chunk);
      }
    });
    request.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    // Nobody is there to read the answer; the exchange still has to end.
    request.once('error', () => resolve(new Refusal('cancelled', 'The client went away while it sent its request.')));
  });
}

const tooLarge = (limitBytes: number) => new Refusal('body_too_large', `The body is larger than ${limitBytes} bytes.`);
