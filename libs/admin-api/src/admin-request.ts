import { API_KEY_ISSUER } from '@switchyard/api-keys';
import type { ApiKeyRecord, EventFields } from '@switchyard/contracts';
import { parseTraceparent } from '@switchyard/telemetry';
import type { IncomingMessage } from 'node:http';

/** A request that AdminGuard let in to a route with `@RequireRole`. */
export interface AdminRequest extends IncomingMessage {
  /** The key that it was made with. */
  readonly apiKey: ApiKeyRecord;
}

/** Somebody who calls with an access token of their own. */
export interface SignedInPerson {
  readonly issuer: string;
  readonly subject: string;
  /** What people call them. */
  readonly name: string;
  /** Lower-case, verified e-mail address, where the issuer vouches for one. */
  readonly email?: string;
  /** Values of the identity provider's teams claim. */
  readonly claims: readonly string[];
  /** What they call with. */
  readonly clientId: string;
  /** What their token was issued under. */
  readonly grantId: string;
}

/** A request that AdminGuard let in to a route with `@RequirePerson`. */
export interface PersonRequest extends IncomingMessage {
  readonly person: SignedInPerson;
}

/** A request that AdminGuard let in to a route with `@RequireReader`: of a key, or of a person. */
export type ReaderRequest = IncomingMessage & {
  readonly apiKey?: ApiKeyRecord;
  readonly person?: SignedInPerson;
  /** For answers that go on: whether whoever asked would still be let in. Throws where that cannot be told now. */
  readonly isStillAdmitted: () => Promise<boolean>;
};

/** The fields of an event that say who made a request of their own, and which request it was. */
export function personFields(request: PersonRequest): Partial<EventFields> {
  const { issuer, subject, name, clientId } = request.person;
  return {
    ...requestFields(request),
    ...{
      principal_issuer: issuer,
      principal_subject: subject,
      principal_name: name,
      principal_kind: 'user',
      client_id: clientId,
    },
  };
}

/** X-Request-Id of a request; the edge makes sure that there is one. */
export function requestId(request: IncomingMessage): string {
  const header = request.headers['x-request-id'];
  return typeof header === 'string' ? header.slice(0, 128) : '';
}

/** Fields of an event that name a request. */
export function requestFields(request: IncomingMessage): Partial<EventFields> {
  return { request_id: requestId(request), trace_id: parseTraceparent(request.headers.traceparent)?.traceId ?? '' };
}

/** Fields of an event that name an API key as who did it. */
export function keyFields({ id, name }: ApiKeyRecord): Partial<EventFields> {
  return {
    principal_issuer: API_KEY_ISSUER,
    principal_subject: id,
    principal_name: name,
    principal_kind: 'service',
    client_id: id,
  };
}

/** The fields of an event that say who reads: a key, or a person. */
export function readerFields(request: ReaderRequest): Partial<EventFields> {
  const { apiKey, person } = request;
  if (person !== undefined) return personFields(Object.assign(request, { person }));
  return apiKey === undefined ? requestFields(request) : { ...requestFields(request), ...keyFields(apiKey) };
}

/** The fields of an event that say who made an admin request, and which request it was. */
export function actorFields(request: AdminRequest): Partial<EventFields> {
  return { ...requestFields(request), ...keyFields(request.apiKey) };
}
