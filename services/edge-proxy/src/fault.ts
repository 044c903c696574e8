import { StateUnavailable } from '@switchyard/state';
import { Refusal } from './refusal.js';

/**
 * What a client is told where serving it has failed.
 * @param error an outage of what the gateway stands on, or a bug, of which clients get nothing but an id to find it by
 */
export function faultRefusal(error: unknown, requestId: string): Refusal {
  if (error instanceof StateUnavailable)
    return new Refusal(
      'state_unavailable',
      'The gateway cannot reach what it knows of sessions now, so it does nothing for you. Try again shortly; if this lasts, tell its administrators.',
      { retry_after_seconds: 2 },
    );
  return new Refusal('internal', `Something went wrong in the gateway. Tell its administrators the request id ${requestId}.`);
}
