import { Agent as HttpAgent, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { randomUUID } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { CERTIFICATE_FIELD, type ShownCertificates } from '@switchyard/oauth';
import type { Logger } from '@switchyard/telemetry';
import type { ClientCertificates } from './client-certificates.js';

/** Header fields that concern one hop (RFC 9110 §7.6.1), or claim what only this hop may say. */
const NOT_FORWARDED = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'forwarded',
  'x-real-ip',
  'client-cert',
  'client-cert-chain',
]);

const isForwarded = (name: string) =>
  !NOT_FORWARDED.has(name) && !name.startsWith('x-forwarded-') && !name.startsWith('x-switchyard-');

const TIMEOUT_MS = 30_000;
const BODY_LIMIT_BYTES = 1024 * 1024;

/** Certificates that clients have shown, and how services are told of them. */
export interface ToldCertificates {
  readonly shown: ClientCertificates;
  readonly told: ShownCertificates;
}

/** Passes requests on to the services behind the edge, under the gateway's public host whatever the client calls it. */
export class ReverseProxy {
  readonly #http = new HttpAgent({ keepAlive: true, maxSockets: 128 });
  readonly #https = new HttpsAgent({ keepAlive: true, maxSockets: 128 });
  readonly #publicUrl: URL;
  readonly #certificates: ToldCertificates;
  readonly #log: Logger;

  constructor(publicUrl: string, certificates: ToldCertificates, log: Logger) {
    this.#publicUrl = new URL(publicUrl);
    this.#certificates = certificates;
    this.#log = log;
  }

  /**
   * Passes one request on.
   * @param service base URL of the service
   * @param o.tellsCertificate whether the service is told which TLS certificate the client has shown
   */
  async serve(
    request: IncomingMessage,
    response: ServerResponse,
    service: string,
    { tellsCertificate = false }: { readonly tellsCertificate?: boolean } = {},
  ): Promise<void> {
    if (Number(request.headers['content-length'] ?? 0) > BODY_LIMIT_BYTES)
      return problem(response, 413, 'The body is larger than 1 MiB.');
    const outbound = this.#request(request, new URL(service), tellsCertificate ? this.#certificate(request) : {});
    outbound.on('timeout', () => outbound.destroy(new Error('the service did not answer in time')));
    response.once('close', () => outbound.destroy());
    try {
      const [answer] = await Promise.all([answerOf(outbound), pipeline(request, outbound)]);
      response.writeHead(
        answer.statusCode ?? 502,
        Object.fromEntries(Object.entries(answer.headers).filter(([name]) => isForwarded(name))),
      );
      await pipeline(answer, response);
    } catch (error) {
      if (response.destroyed) return;
      this.#log.warn('a service behind the edge did not answer', { error, url: service });
      if (response.headersSent) response.destroy();
      else problem(response, 503, 'The part of the gateway that serves this is not available. Try again shortly.');
    }
  }

  /** Idempotent. */
  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  /** The path goes out as it came in and was routed by: no part of the way takes it for another. */
  #request(
    request: IncomingMessage,
    { protocol, hostname, port }: URL,
    certificate: Readonly<Record<string, string>>,
  ): ReturnType<typeof httpRequest> {
    const secure = protocol === 'https:';
    return (secure ? httpsRequest : httpRequest)({
      protocol,
      hostname: hostname.replace(/^\[|\]$/g, ''),
      port,
      path: request.url ?? '/',
      method: request.method ?? 'GET',
      headers: { ...this.#headers(request), ...certificate },
      timeout: TIMEOUT_MS,
      agent: secure ? this.#https : this.#http,
    });
  }

  #certificate(request: IncomingMessage): Readonly<Record<string, string>> {
    const shown = this.#certificates.shown.of(request);
    if (shown === undefined) return {};
    const { method = '', url = '' } = request;
    return { [CERTIFICATE_FIELD]: this.#certificates.told.write(shown, { method, target: url }) };
  }

  #headers(request: IncomingMessage): Record<string, string | string[] | undefined> {
    const kept = Object.fromEntries(Object.entries(request.headers).filter(([name]) => isForwarded(name)));
    return {
      'x-request-id': randomUUID(),
      ...kept,
      host: this.#publicUrl.host,
      'x-forwarded-proto': this.#publicUrl.protocol.slice(0, -1),
      'x-forwarded-for': request.socket.remoteAddress ?? '',
    };
  }
}

function answerOf(outbound: ReturnType<typeof httpRequest>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => outbound.once('response', resolve).once('error', reject));
}

/** RFC 9457. */
function problem(response: ServerResponse, status: number, detail: string): void {
  response
    .writeHead(status, { 'content-type': 'application/problem+json' })
    .end(JSON.stringify({ type: 'about:blank', status, detail }));
}
