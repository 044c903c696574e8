import { renderCaller } from '@switchyard/audit';
import type { Principal } from '@switchyard/contracts';
import type { CallerScopes } from './caller-scopes.js';
import type { Caller } from './exchange.js';

/** A principal under a client, with both as events say them. */
export function callerOf(principal: Principal, clientId: string, scopes: CallerScopes): Caller {
  const { issuer, subject, name, kind } = principal;
  const who = renderCaller({
    principal_issuer: issuer,
    principal_subject: subject,
    principal_name: name,
    principal_kind: kind,
    client_id: clientId,
  });
  return { principal, clientId, scopes, who, key: JSON.stringify([principal.tenant, issuer, subject, clientId]) };
}
