import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { ApiKeyDirectory } from '@switchyard/api-keys';
import type { ApiKeyRecord } from '@switchyard/contracts';
import type { IncomingMessage } from 'node:http';
import { Problem } from './problem.js';
import { ACCESS_METADATA, type RouteAccess } from './roles.js';

/** Told of every request that was not let in. */
export type OnRejected = (rejection: {
  readonly request: IncomingMessage;
  readonly status: 401 | 403;
  readonly apiKey?: ApiKeyRecord;
}) => void;

const bearerPattern = /^Bearer +(\S+)$/i;

// RFC 6750 §3: no error code where the request had no credentials at all.
function unauthenticated(credentials: 'absent' | 'invalid'): Problem {
  const detail =
    credentials === 'absent'
      ? 'This needs an API key: send it as "Authorization: Bearer sy_…". "switchyard key create" makes one.'
      : 'The API key is unknown, expired or revoked. "switchyard key create" makes a new one.';
  const challenge = credentials === 'absent' ? 'Bearer' : 'Bearer error="invalid_token"';
  return new Problem(401, { reason: 'unauthenticated', detail, headers: { 'www-authenticate': challenge } });
}

function forbidden(roles: readonly string[]): Problem {
  const detail = `This needs an API key with the role ${roles.join(' or ')}; the key used has none of them.`;
  return new Problem(403, { reason: 'forbidden', detail });
}

/** Lets a request in where its route says so; a route that says nothing is closed. */
export class AdminGuard implements CanActivate {
  readonly #keys: ApiKeyDirectory;
  readonly #onRejected: OnRejected;
  readonly #reflector = new Reflector();

  constructor(keys: ApiKeyDirectory, onRejected: OnRejected = () => undefined) {
    this.#keys = keys;
    this.#onRejected = onRejected;
  }

  /** @throws Problem 401 without a valid key, 403 without a role that the route wants */
  canActivate(context: ExecutionContext): boolean {
    const access = this.#reflector.getAllAndOverride<RouteAccess | undefined>(ACCESS_METADATA, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (access?.kind === 'public') return true;
    const request = context.switchToHttp().getRequest<IncomingMessage & { apiKey?: ApiKeyRecord }>();
    request.apiKey = this.#admit(request, access?.roles ?? []);
    return true;
  }

  #admit(request: IncomingMessage, roles: readonly string[]): ApiKeyRecord {
    const header = request.headers.authorization;
    const text = header === undefined ? undefined : (bearerPattern.exec(header)?.[1] ?? '');
    const apiKey = text === undefined ? undefined : this.#keys.verify(text);
    if (apiKey === undefined) {
      this.#onRejected({ request, status: 401 });
      throw unauthenticated(text === undefined ? 'absent' : 'invalid');
    }
    if (!apiKey.roles.some((role) => roles.includes(role))) {
      this.#onRejected({ request, status: 403, apiKey });
      throw forbidden(roles);
    }
    return apiKey;
  }
}
