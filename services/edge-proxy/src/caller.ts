import type { Revocable } from '@switchyard/api-keys';
import { renderCaller } from '@switchyard/audit';
import type { Principal } from '@switchyard/contracts';
import type { CallerScopes } from './caller-scopes.js';
import type { Caller } from './exchange.js';

/** Of whom nothing can be revoked here: who has no credentials, or has shown them to another edge. */
const NOTHING: Revocable = { names: [], grantedAtMs: 0 };

/** A principal under a client, with both as events say them. @param revocable what they were let in by */
export function callerOf(principal: Principal, clientId: string, scopes: CallerScopes, revocable: Revocable = NOTHING): Caller {
  const { issuer, subject, name, kind } = principal;
  const who = renderCaller({
    principal_issuer: issuer,
    principal_subject: subject,
    principal_name: name,
    principal_kind: kind,
    client_id: clientId,
  });
  return { principal, clientId, scopes, who, key: JSON.stringify([principal.tenant, issuer, subject, clientId]), revocable };
}
