import { DpopNonces, DpopProofs } from '@switchyard/oauth';
import { systemClock } from '@switchyard/runtime';
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A token, and the key that it is bound to. */
export interface BoundToken {
  readonly token: string;
  readonly thumbprint: string;
}

/** Stands before an upstream, and lets in only requests with a token that is bound to a key and a proof of it (RFC 9449 §7.2). */
export interface BoundUpstream extends AsyncDisposable {
  readonly url: string;
  /** Tokens that are taken. */
  readonly tokens: BoundToken[];
  /** Whether proofs need a nonce. */
  nonceRequired: boolean;
  /** How requests were judged, oldest first: method, and what was wrong, or nothing. */
  readonly judged: readonly (readonly [method: string, problem: string])[];
}

/** Starts one on a free port. @param target the upstream's URL */
export async function startBoundUpstream(target: string): Promise<BoundUpstream> {
  const nonces = new DpopNonces(randomBytes(32), systemClock);
  const proofs = new DpopProofs(nonces, systemClock);
  const seen = new Set<string>();
  const judged: [method: string, problem: string][] = [];
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
  const upstream = {
    url,
    tokens: [] as BoundToken[],
    nonceRequired: false,
    judged,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function problemOf({ method = '', headers }: IncomingMessage): Promise<string> {
    const { authorization, dpop } = headers;
    const known = upstream.tokens.find(({ token }) => authorization === `DPoP ${token}`);
    if (known === undefined) return 'invalid_token';
    const { token, thumbprint } = known;
    const proof = await proofs.verify(String(dpop), { method, url, token, nonceRequired: upstream.nonceRequired });
    if (!proof.ok) return proof.error;
    if (proof.thumbprint !== thumbprint || seen.has(proof.id)) return 'invalid_dpop_proof';
    seen.add(proof.id);
    return '';
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const problem = await problemOf(request);
    judged.push([request.method ?? '', problem]);
    if (upstream.nonceRequired) response.setHeader('dpop-nonce', nonces.next());
    if (problem !== '') {
      request.resume();
      response.writeHead(401, { 'www-authenticate': `DPoP error="${problem}", algs="ES256"` }).end();
      return;
    }
    const { authorization: _authorization, dpop: _dpop, host: _host, ...headers } = request.headers;
    const { method } = request;
    const passed = httpRequest(target, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.destroy());
    response.on('close', () => passed.destroy());
    request.pipe(passed);
  }
  return upstream;
}
