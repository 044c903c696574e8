import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { ApiKeyDirectory } from '@switchyard/api-keys';
import type { ApiKeyRecord } from '@switchyard/contracts';
import type { IncomingMessage } from 'node:http';
import type { ReaderRequest, SignedInPerson } from './admin-request.js';
import { Problem } from './problem.js';
import { ACCESS_METADATA, type RouteAccess } from './roles.js';

/** Told of every request that was not let in. */
export type OnRejected = (rejection: {
  readonly request: IncomingMessage;
  readonly status: 401 | 403;
  readonly apiKey?: ApiKeyRecord;
}) => void;

/** How people are told apart who call with access tokens of their own. */
export interface People {
  /** @returns undefined where a token is not one that opens this API now */
  identify(token: string): Promise<SignedInPerson | undefined>;
  /** Where the metadata of this API as a protected resource is (RFC 9728 §5.1); undefined while that is not known. */
  resourceMetadataUrl(): Promise<string | undefined>;
}

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

function signInFirst(credentials: 'absent' | 'invalid', metadataUrl: string | undefined): Problem {
  const detail =
    credentials === 'absent'
      ? 'Sign in: this needs an access token for this API.'
      : 'The access token is not valid for this API, has expired or was revoked. Sign in again.';
  const parameters = [
    ...(credentials === 'absent' ? [] : ['error="invalid_token"']),
    ...(metadataUrl === undefined ? [] : [`resource_metadata="${metadataUrl}"`]),
  ];
  const challenge = ['Bearer', parameters.join(', ')].filter((part) => part !== '').join(' ');
  return new Problem(401, { reason: 'unauthenticated', detail, headers: { 'www-authenticate': challenge } });
}

function forbidden(roles: readonly string[]): Problem {
  const detail = `This needs an API key with the role ${roles.join(' or ')}; the key used has none of them.`;
  return new Problem(403, { reason: 'forbidden', detail });
}

/** Lets a request in where its route says so; a route that says nothing is closed. */
export class AdminGuard implements CanActivate {
  readonly #keys: ApiKeyDirectory;
  readonly #people: People | undefined;
  readonly #onRejected: OnRejected;
  readonly #reflector = new Reflector();

  constructor(o: { readonly keys: ApiKeyDirectory; readonly people?: People; readonly onRejected?: OnRejected }) {
    this.#keys = o.keys;
    this.#people = o.people;
    this.#onRejected = o.onRejected ?? (() => undefined);
  }

  /** @throws Problem 401 without a valid key or token, 403 without a role that the route wants */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const access = this.#reflector.getAllAndOverride<RouteAccess | undefined>(ACCESS_METADATA, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (access?.kind === 'public') return true;
    if (access?.kind === 'person') return this.#admitPerson(context.switchToHttp().getRequest());
    if (access?.kind === 'reader') return this.#admitReader(context.switchToHttp().getRequest(), access.roles);
    const request = context.switchToHttp().getRequest<IncomingMessage & { apiKey?: ApiKeyRecord }>();
    request.apiKey = this.#admit(request, access?.roles ?? []);
    return true;
  }

  /** A key where it looks like one, else a person. */
  #admitReader(
    request: IncomingMessage & {
      apiKey?: ApiKeyRecord;
      person?: SignedInPerson;
      isStillAdmitted?: ReaderRequest['isStillAdmitted'];
    },
    roles: readonly string[],
  ): boolean | Promise<boolean> {
    const [people, text] = [this.#people, bearerOf(request) ?? ''];
    // A JWT has dots (RFC 7519 §3), and no key has one.
    if (people !== undefined && text.includes('.')) {
      request.isStillAdmitted = async () => (await people.identify(text)) !== undefined;
      return this.#admitPerson(request);
    }
    request.isStillAdmitted = async () => this.#keys.verify(text)?.roles.some((role) => roles.includes(role)) === true;
    request.apiKey = this.#admit(request, roles);
    return true;
  }

  async #admitPerson(request: IncomingMessage & { person?: SignedInPerson }): Promise<boolean> {
    if (this.#people === undefined) throw new Error('a route is for people, and nothing tells them apart');
    const text = bearerOf(request);
    const person = text === undefined ? undefined : await this.#people.identify(text);
    if (person === undefined) {
      this.#onRejected({ request, status: 401 });
      throw signInFirst(text === undefined ? 'absent' : 'invalid', await this.#people.resourceMetadataUrl());
    }
    request.person = person;
    return true;
  }

  #admit(request: IncomingMessage, roles: readonly string[]): ApiKeyRecord {
    const text = bearerOf(request);
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

/** Undefined where the request has no credentials at all; empty where it has others. */
function bearerOf({ headers: { authorization } }: IncomingMessage): string | undefined {
  return authorization === undefined ? undefined : (bearerPattern.exec(authorization)?.[1] ?? '');
}
