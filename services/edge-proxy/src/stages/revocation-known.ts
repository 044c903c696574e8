import type { Edge } from '../edge.js';
import { Refusal } from '../refusal.js';

/** Methods that may change something: what a tool does, only its server knows. */
export const MAY_CHANGE: ReadonlySet<string> = new Set(['tools/call', 'tasks/update', 'tasks/cancel']);

/** Why nobody with credentials is let in while this edge cannot know whether they have been revoked. */
export const revocationUnknown = (): Refusal =>
  new Refusal(
    'revocation_unknown',
    'The gateway cannot find out now whether your access has been revoked, so it does nothing for you. Try again shortly; if this lasts, tell its administrators.',
    { retry_after_seconds: 2 },
  );

/** Why somebody whose access was revoked gets no more. */
export const revoked = (): Refusal =>
  new Refusal('token_revoked', 'This access was revoked: sign in again, or ask for a new API key.');

/** Asks once more before a message that may change something is refused because the last word on revocations is too old. */
export async function unlessFresh({ revocations }: Edge): Promise<Refusal | undefined> {
  await revocations.ask();
  return revocations.isFresh ? undefined : revocationUnknown();
}
