import { API_KEY_ISSUER } from '@switchyard/api-keys';
import type { LeaseCredentialRequest } from '@switchyard/contracts';
import type { NotLeasable } from '../leasable.js';
import { DAMAGE_SEVERITY, type Damage } from '../sealed-store.js';

/** Why somebody's own credential is not leased. */
export type NoConnection = NotLeasable;

const WHY = {
  not_connected: (upstream: string) => `You have not connected ${upstream} to this gateway yet`,
  reauth_required: (upstream: string) => `Your connection to ${upstream} has ended`,
  token_refused: (upstream: string) => `${upstream} refuses the token that your connection has just been given`,
  scope_required: (upstream: string) => `${upstream} needs more permissions than your connection has`,
  key_refused: (upstream: string) => `${upstream} does not accept the key that you entered, or what it may do`,
  moved: (upstream: string) => `${upstream} is at another address now than when you entered your key for it`,
} as const;

/** Why somebody has to connect. */
export type ConnectCause = keyof typeof WHY;

/** Sends somebody to the page at which they connect. @param connectUrl its address */
export function connectionRequired(
  { upstream, principalIssuer }: LeaseCredentialRequest,
  connectUrl: string,
  cause: ConnectCause,
): NoConnection {
  if (principalIssuer === API_KEY_ISSUER) {
    const message = `${upstream} is used with each person's own account, and an API key is nobody's: call it as somebody who is signed in.`;
    return { ok: false, reason: 'credential_unavailable', cause: 'api_key', message };
  }
  const message = `${WHY[cause](upstream)}. Open ${connectUrl} to connect it, then try again.`;
  return { ok: false, reason: 'connection_required', cause, message, connectUrl };
}

/** The record is not as it was stored. Where it was altered, connecting again is what helps its owner. @param connectUrl where they do */
export function damagedConnection(upstream: string, connectUrl: string, damage: Damage): NoConnection {
  const severity = DAMAGE_SEVERITY[damage];
  const why = { cause: damage, ...(severity !== '' && { severity }) };
  const what = `Your stored connection to ${upstream} cannot be trusted any more and is not used; an administrator must look into it.`;
  if (damage === 'altered' || damage === 'frozen') {
    const message = `${what} Open ${connectUrl} to connect it again, which replaces it, then try again.`;
    return { ok: false, reason: 'connection_required', ...why, message, connectUrl };
  }
  return { ok: false, reason: 'credential_unavailable', ...why, message: `${what} Connecting again replaces it.` };
}
