import type { Outcome } from '../sink.js';
import type { Answer } from './post.js';

type Kind = Outcome['is'];

// What a status says where a product's own documentation says nothing else (RFC 9110 section 15). What is not here: 4xx is about
// the content, everything else about the receiver's state.
const MEANINGS: Readonly<Record<number, Kind>> = {
  401: 'misconfigured',
  402: 'misconfigured',
  403: 'misconfigured',
  404: 'misconfigured',
  405: 'misconfigured',
  407: 'misconfigured',
  408: 'retry',
  410: 'misconfigured',
  421: 'retry',
  425: 'retry',
  429: 'retry',
};

/**
 * What an answer means for all of a request.
 * @param own what the product means by its statuses, where it is something else
 */
export function answerOutcome({ status, retryAfterMs }: Answer, own: Readonly<Record<number, Kind>> = {}): Outcome {
  const reason = `http_${status}`;
  const is = own[status] ?? MEANINGS[status] ?? byClass(status);
  if (is === 'delivered') return { is };
  return is === 'retry' ? { is, reason, afterMs: retryAfterMs } : { is, reason };
}

function byClass(status: number): Kind {
  if (status >= 200 && status < 300) return 'delivered';
  if (status >= 400 && status < 500) return 'split';
  return status >= 500 ? 'retry' : 'misconfigured';
}
