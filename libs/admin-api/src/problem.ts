import { HttpException } from '@nestjs/common';
import { STATUS_CODES } from 'node:http';

/** One field of a request that was not acceptable. */
export interface FieldProblem {
  /** Path of the field, for example `filter.limit`. */
  readonly field: string;
  readonly message: string;
  /** Where in the field's text the mistake is, from 1. */
  readonly position?: number;
}

/** A limit that a request has met. */
export interface MetLimit {
  readonly name: string;
  readonly allowed: number;
}

/** What a problem document says besides its status. */
export interface ProblemDetails {
  /** Stable key that clients may branch on. */
  readonly reason: string;
  /** One sentence: what failed and what to do about it. Safe to show. */
  readonly detail: string;
  /** Every field that was not acceptable. */
  readonly errors?: readonly FieldProblem[];
  /** The limit that was met, where that is what failed. */
  readonly limit?: MetLimit;
  /** Response header fields that go with it. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A problem document (RFC 9457 §3). */
export interface ProblemDocument {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly reason: string;
  readonly errors?: readonly FieldProblem[];
  readonly limit?: MetLimit;
  /** Names this occurrence in the log of the service. */
  readonly instance?: string;
}

/** An expected refusal of an HTTP admin API; rendered as a problem document by ProblemFilter. */
export class Problem extends HttpException {
  readonly details: ProblemDetails;

  /** @param status HTTP status code */
  constructor(status: number, details: ProblemDetails) {
    super(details.detail, status);
    this.details = details;
  }
}

/** 404. @param detail names what is missing */
export function notFound(detail: string): Problem {
  return new Problem(404, { reason: 'not_found', detail });
}

/** 400, for a request that names fields which are not acceptable. */
export function invalidRequest(errors: readonly FieldProblem[]): Problem {
  const detail = errors.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`)).join('; ');
  return new Problem(400, { reason: 'invalid_request', detail, errors });
}

/** Builds the document that a client is shown. */
export function problemDocument(status: number, details: ProblemDetails, instance?: string): ProblemDocument {
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: details.detail,
    reason: details.reason,
    ...(details.errors === undefined ? {} : { errors: details.errors }),
    ...(details.limit === undefined ? {} : { limit: details.limit }),
    ...(instance === undefined ? {} : { instance }),
  };
}
