import { create, toJsonString, type MessageInitShape } from '@bufbuild/protobuf';
import { BUCKETS, DEFAULT_TENANT, SnapshotSchema } from '@switchyard/contracts';
import type { State } from '@switchyard/state';
import { createSign, generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An authorization server that signs what it is told to, and serves the key that verifies it. */
export interface SignIn extends AsyncDisposable {
  readonly url: string;
  /** An access token for the API. @param over claims that stand instead */
  token(email: string, over?: Readonly<Record<string, unknown>>): string;
  publish(state: State, snapshot: MessageInitShape<typeof SnapshotSchema>): Promise<void>;
}

/** Starts it on a free port; its address is the gateway's public one. */
export async function startSignIn(): Promise<SignIn> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keys = [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig', alg: 'ES256' }];
  const server = createServer((_request, response) => response.end(JSON.stringify({ keys })));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    token: (email, over = {}) => {
      const nowSeconds = Math.floor(Date.now() / 1000);
      const claims = {
        ...{ iss: url, sub: `sub-of-${email}`, aud: `${url}/api`, email, client_id: 'c1', jti: randomUUID(), scope: 'account' },
        ...{ iat: nowSeconds, exp: nowSeconds + 300, sy_tenant: DEFAULT_TENANT, sy_grant: `grant-of-${email}`, ...over },
      };
      const text = [{ alg: 'ES256', typ: 'at+jwt', kid: 'k1' }, claims]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.');
      const signature = createSign('sha256').update(text).sign({ key: privateKey, dsaEncoding: 'ieee-p1363' });
      return `${text}.${signature.toString('base64url')}`;
    },
    publish: async (state, snapshot) => {
      const content = create(SnapshotSchema, { tenant: DEFAULT_TENANT, publicUrl: url, revision: randomUUID(), ...snapshot });
      const kv = await state.bucket(BUCKETS.snapshots, DEFAULT_TENANT);
      await kv.put('current', Buffer.from(toJsonString(SnapshotSchema, content)));
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}
