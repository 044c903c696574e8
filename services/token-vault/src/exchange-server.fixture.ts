import { createPublicKey, verify, type JsonWebKey } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

type Claims = Readonly<Record<string, unknown>>;

/** What was asked of it. */
export interface AskedExchange {
  readonly authorization: string | undefined;
  readonly form: URLSearchParams;
  readonly header: Claims;
  readonly claims: Claims;
}

/** An authorization server that gives tokens for statements of a gateway that it trusts (RFC 8693). */
export interface ExchangeServer extends AsyncDisposable {
  readonly issuer: string;
  readonly asked: readonly AskedExchange[];
  /** Members of its answers that stand instead. */
  over: Record<string, unknown>;
  /** What it answers instead. */
  failing: { readonly status: number; readonly error: string } | undefined;
}

const decode = (part: string | undefined) => JSON.parse(Buffer.from(part ?? '', 'base64url').toString()) as Claims;

/** Starts it on a free port. @param jwksUrl where the gateway's keys are; @param trusted issuer of its statements */
export async function startExchangeServer(jwksUrl: string, trusted: string): Promise<ExchangeServer> {
  const asked: AskedExchange[] = [];
  const used = new Set<unknown>();
  const server = createServer((request, response) => {
    const json = (status: number, body: object) =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const { issuer } = running;
    if (request.url === '/.well-known/oauth-authorization-server')
      return json(200, { issuer, token_endpoint: `${issuer}/token`, response_types_supported: [] });
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      const token = form.get('subject_token') ?? '';
      const [header, claims] = token.split('.').slice(0, 2).map(decode);
      asked.push({ authorization: request.headers.authorization, form, header: header ?? {}, claims: claims ?? {} });
      if (running.failing !== undefined) return json(running.failing.status, { error: running.failing.error });
      judge(token, issuer).then(
        (sub) =>
          sub === undefined
            ? json(400, { error: 'invalid_grant', error_description: 'canary of a stranger' })
            : json(200, {
                ...{ access_token: `token-${asked.length}-of-${sub}`, token_type: 'Bearer', expires_in: 600 },
                ...{ issued_token_type: 'urn:ietf:params:oauth:token-type:access_token', ...running.over },
              }),
        () => json(500, {}),
      );
    });
  });

  /** Whom a statement is about, where it is good: signed, for this server, in time, and not seen before. */
  async function judge(token: string, issuer: string): Promise<string | undefined> {
    const [header = '', payload = '', signature = ''] = token.split('.');
    const { keys } = (await (await fetch(jwksUrl)).json()) as {
      readonly keys: readonly (JsonWebKey & { readonly kid: string })[];
    };
    const jwk = keys.find(({ kid }) => kid === decode(header)['kid']);
    if (jwk === undefined || decode(header)['typ'] !== 'switchyard-subject+jwt') return undefined;
    const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' as const };
    const { iss, aud, exp, jti, sub } = decode(payload);
    const good =
      verify('sha256', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url')) &&
      iss === trusted &&
      aud === issuer &&
      Number(exp) * 1000 > Date.now() &&
      !used.has(jti);
    used.add(jti);
    return good ? String(sub) : undefined;
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const running: ExchangeServer = {
    issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    over: {},
    failing: undefined,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
  return running;
}

/** Basic credentials of a client (RFC 6749 §2.3.1). */
export const basicOf = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
