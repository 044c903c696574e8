import { create, toJsonString } from '@bufbuild/protobuf';
import { BUCKETS, CONNECT_CLIENT, DEFAULT_TENANT, SnapshotSchema } from '@switchyard/contracts';
import type { State } from '@switchyard/state';
import { createSign, generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Somebody at the gateway. */
export interface Person {
  readonly subject: string;
  readonly email: string;
}

export const ANA: Person = { subject: 'sub-of-ana', email: 'ana@example.com' };
export const BEN: Person = { subject: 'sub-of-ben', email: 'ben@example.com' };

/** What stands before a vault: the gateway's public address, and its authorization server, which signs in whoever sits there. */
export interface Front extends AsyncDisposable {
  readonly publicUrl: string;
  /** Where the vault finds the authorization server. */
  readonly authServer: string;
  /** Who sits at the keyboard. */
  who: Person;
  /** Address of the vault, once it is known. */
  vault: string;
  /** An access token of the gateway. @param over claims that stand instead */
  token(person: Person, over?: Readonly<Record<string, unknown>>): string;
  /** Publishes a configuration: one server with these upstreams. */
  publish(state: State, upstreams: readonly string[]): Promise<void>;
}

/** Starts it on a free port. */
export async function startFront(): Promise<Front> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const kid = randomUUID();
  const codes = new Map<string, { readonly person: Person; readonly nonce: string }>();
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const publicUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const sign = (typ: string, claims: object) => {
    const text = [{ alg: 'ES256', typ, kid }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    return `${text}.${createSign('sha256').update(text).sign({ key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  };
  const now = () => Math.floor(Date.now() / 1000);
  const front: Front = {
    publicUrl,
    authServer: publicUrl,
    who: ANA,
    vault: '',
    token: ({ subject, email }, over = {}) =>
      sign('at+jwt', {
        ...{ iss: publicUrl, sub: subject, aud: `${publicUrl}/mcp/work`, email, client_id: 'client', jti: randomUUID() },
        ...{ iat: now(), exp: now() + 300, sy_tenant: DEFAULT_TENANT, sy_grant: 'grant', ...over },
      }),
    publish: async (state, upstreams) => {
      const snapshot = create(SnapshotSchema, {
        ...{ tenant: DEFAULT_TENANT, publicUrl, revision: randomUUID() },
        servers: [{ slug: 'work', sources: upstreams.map((upstream) => ({ upstream })) }, { slug: 'other' }],
      });
      const kv = await state.bucket(BUCKETS.snapshots, DEFAULT_TENANT);
      await kv.put('current', Buffer.from(toJsonString(SnapshotSchema, snapshot)));
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', publicUrl);
    if (url.pathname === '/oauth/authorize') {
      const code = randomUUID();
      codes.set(code, { person: front.who, nonce: url.searchParams.get('nonce') ?? '' });
      const back = new URL(url.searchParams.get('redirect_uri') ?? '');
      back.search = new URLSearchParams({ code, state: url.searchParams.get('state') ?? '', iss: publicUrl }).toString();
      response.writeHead(303, { location: back.href }).end();
    } else if (url.pathname === '/oauth/token') {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const code = new URLSearchParams(Buffer.concat(chunks).toString()).get('code') ?? '';
      const known = codes.get(code);
      codes.delete(code);
      if (known === undefined) return void json(response, 400, { error: 'invalid_grant' });
      const { person, nonce } = known;
      const times = { iat: now(), exp: now() + 300 };
      const idToken = sign('JWT', { iss: publicUrl, sub: person.subject, aud: CONNECT_CLIENT.id, nonce, ...times });
      json(response, 200, { access_token: front.token(person), token_type: 'Bearer', expires_in: 300, id_token: idToken });
    } else if (url.pathname === '/oauth/jwks') {
      json(response, 200, { keys: [{ ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'ES256' }] });
    } else pass(request, response, front.vault);
  }
  return front;
}

const json = (response: ServerResponse, status: number, body: unknown) =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

function pass(request: IncomingMessage, response: ServerResponse, to: string): void {
  const outbound = httpRequest(new URL(request.url ?? '/', to), { method: request.method ?? 'GET', headers: request.headers });
  outbound.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  outbound.on('error', () => response.destroy());
  request.pipe(outbound);
}
