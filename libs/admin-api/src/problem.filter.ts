import { HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { SpoolFull } from '@switchyard/audit';
import { BusUnavailable, RpcUnavailable } from '@switchyard/messaging';
import { StateUnavailable } from '@switchyard/state';
import type { Logger } from '@switchyard/telemetry';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { requestId } from './admin-request.js';
import { Problem, problemDocument, type ProblemDetails } from './problem.js';

// Nest's own refusals: their messages may quote the request, so they are not passed on.
const NEST_REFUSALS: Readonly<Record<number, ProblemDetails>> = {
  400: {
    reason: 'invalid_request',
    detail: 'The request could not be read: its body is not valid JSON, or its URL is malformed.',
  },
  404: { reason: 'not_found', detail: 'There is nothing at this address; /api/openapi.json lists what there is.' },
  413: { reason: 'body_too_large', detail: 'The body of the request is larger than this route takes.' },
  415: { reason: 'unsupported_media_type', detail: 'The body must be sent as application/json in UTF-8.' },
};

const unavailable: ProblemDetails = {
  reason: 'unavailable',
  detail: 'A service behind this API cannot be reached at the moment; try again.',
  headers: { 'retry-after': '1' },
};

const auditFull: ProblemDetails = {
  reason: 'audit_unavailable',
  detail:
    'The audit trail takes no more events at the moment, so this cannot be completed; whoever runs the gateway must look at it.',
  headers: { 'retry-after': '5' },
};

const fault: ProblemDetails = {
  reason: 'internal',
  detail: 'This failed because of a fault in the gateway; its log names the cause.',
};

type Rendering = { readonly status: number; readonly details: ProblemDetails; readonly instance?: string };

function send(response: ServerResponse, { status, details, instance }: Rendering): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const headers = { ...details.headers, 'content-type': 'application/problem+json', 'cache-control': 'no-store' };
  response.writeHead(status, headers).end(JSON.stringify(problemDocument(status, details, instance)));
}

/** Renders whatever a route throws as a problem document (RFC 9457); faults are logged and shown without their cause. */
export class ProblemFilter implements ExceptionFilter {
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    send(http.getResponse<ServerResponse>(), this.#render(error, http.getRequest<IncomingMessage>()));
  }

  #render(error: unknown, request: IncomingMessage): Rendering {
    if (error instanceof Problem) return { status: error.getStatus(), details: error.details };
    if (error instanceof HttpException) {
      const details = NEST_REFUSALS[error.getStatus()];
      if (details !== undefined) return { status: error.getStatus(), details };
    }
    const id = requestId(request) || randomUUID();
    if (error instanceof StateUnavailable || error instanceof BusUnavailable || error instanceof RpcUnavailable) {
      this.#log.warn('an admin request needs something that is away', { request_id: id, error });
      return { status: 503, details: unavailable, instance: id };
    }
    if (error instanceof SpoolFull) {
      this.#log.error('an admin request could not be recorded', { request_id: id, error });
      return { status: 503, details: auditFull, instance: id };
    }
    this.#log.error('an admin request failed', { request_id: id, error });
    return { status: 500, details: fault, instance: id };
  }
}
