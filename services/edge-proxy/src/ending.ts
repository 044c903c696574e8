import type { Outcome } from '@switchyard/contracts';
import type { Reason } from './ladder.js';
import type { Refusal } from './refusal.js';

/** How an exchange ends. */
export type Ending =
  /** A JSON-RPC response. */
  | {
      readonly kind: 'response';
      readonly status: number;
      readonly bytes: Buffer;
      readonly outcome: Extract<Outcome, 'ok' | 'error'>;
      readonly code?: number;
      readonly headers?: Record<string, string>;
      /** Why, where a refusal is told in the words of a result. */
      readonly reason?: Reason;
    }
  /** A notification was taken, or a session ended: no body. */
  | { readonly kind: 'empty'; readonly status: number; readonly headers?: Record<string, string> }
  /** A stream that the client or the gateway has ended. */
  | { readonly kind: 'streamed' }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Ends with a refusal. */
export const refused = (refusal: Refusal): Ending => ({ kind: 'refused', refusal });

/** Ends with a result that the gateway itself made. */
export const answered = (bytes: Buffer, headers?: Record<string, string>): Ending => ({
  kind: 'response',
  status: 200,
  bytes,
  outcome: 'ok',
  ...(headers && { headers }),
});
