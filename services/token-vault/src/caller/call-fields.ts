import type { EventFields, LeaseCredentialRequest } from '@switchyard/contracts';

/** Which call an event is of, and who calls, as the edge says: what of it a credential depends on is checked by its own proof. */
export const callFields = (request: LeaseCredentialRequest): Partial<EventFields> => ({
  upstream: request.upstream,
  request_id: request.requestId,
  trace_id: request.traceId,
  principal_issuer: request.principalIssuer,
  principal_subject: request.principalSubject,
  principal_name: request.principalName,
  principal_kind: request.principalKind,
  client_id: request.clientId,
  client_name: request.clientName,
  client_version: request.clientVersion,
  on_behalf_of: request.onBehalfOf,
  teams: request.callerTeams,
  server: request.server,
});
