import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An authorization server, as far as edges see of one: its keys, and the tokens that it issues. */
export interface TokenIssuer extends AsyncDisposable {
  readonly url: string;
  /** An access token for a resource of the gateway at `publicUrl`. @param claims to replace, or to leave out */
  token(publicUrl: string, path: string, claims?: Readonly<Record<string, unknown>>): string;
}

/** Starts one on a free port. */
export async function startTokenIssuer(): Promise<TokenIssuer> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig', alg: 'ES256' };
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [jwk] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: (publicUrl, path, claims = {}) => {
      const now = Math.floor(Date.now() / 1000);
      const payload = {
        ...{ iss: publicUrl, aud: `${publicUrl}${path}`, sub: 'u1', client_id: 'client-1', jti: randomUUID() },
        ...{ iat: now, exp: now + 300, scope: 'mcp', sy_tenant: 'default', sy_grant: 'g1', email: 'ana@example.com' },
        ...claims,
      };
      const input = `${part({ alg: 'ES256', typ: 'at+jwt', kid: 'k1' })}.${part(payload)}`;
      const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return `${input}.${signature.toString('base64url')}`;
    },
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
