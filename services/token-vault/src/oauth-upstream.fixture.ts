import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An upstream behind OAuth with its own authorization server, both of which do as they are told. */
export interface OAuthUpstream extends AsyncDisposable {
  /** The MCP endpoint. */
  readonly url: string;
  readonly issuer: string;
  /** Whose account is signed in at the upstream; agrees to everything. */
  account: string;
  /** Scopes that it lists. */
  scopes: string[];
  /** Scopes of its challenge; undefined: no scope in it. */
  challenge: string | undefined;
  /** Lifetime that it states; undefined: none. */
  expiresIn: number | string | undefined;
  /** Members of the next token responses that stand instead. */
  over: Readonly<Record<string, unknown>>;
  /** Scheme of its challenge. */
  scheme: string;
  /** Serves a request that shows a credential. @returns whether it has; else it is challenged */
  serve: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Members that its protected-resource metadata have besides. */
  resource: Readonly<Record<string, unknown>>;
  /** Members that its answers to registrations have besides. */
  registered: Readonly<Record<string, unknown>>;
  /** What is wrong with a token request, asked first; undefined: nothing. */
  judge: (request: IncomingMessage) => Promise<TokenRefusal | undefined>;
  /** Members of its metadata that stand instead; undefined takes one away. */
  metadata: Readonly<Record<string, unknown>>;
  /** Parameters of the answer to an authorization that stand instead; undefined takes one away. */
  answer: Readonly<Record<string, string | undefined>>;
  /** What is done with a refresh before it is answered. */
  onRefresh: () => Promise<void> | void;
  /** The token endpoint answers with this status and error instead. */
  failing: { readonly status: number; readonly error: string } | undefined;
  /** Rotates, and cuts the connection instead of answering. */
  losesAnswers: boolean;
  revocationStatus: number;
  readonly refreshes: number;
  readonly registrations: number;
  readonly revoked: readonly string[];
  /** Parameters of the last authorization and token request. */
  readonly lastAuthorization: URLSearchParams;
  readonly lastToken: URLSearchParams;
  /** Whose an access token is; undefined: it is none. */
  accountOf(accessToken: string): string | undefined;
}

/** How a token request is refused. */
export interface TokenRefusal {
  readonly error: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Grant {
  readonly account: string;
  readonly challenge: string;
  readonly scope: string;
}

async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}

const json = (response: ServerResponse, status: number, body: unknown) =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

/** Starts one on a free port. */
export async function startOAuthUpstream(): Promise<OAuthUpstream> {
  const codes = new Map<string, Grant>();
  const refreshTokens = new Map<string, Grant>();
  const accessTokens = new Map<string, string>();
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const counts = { refreshes: 0, registrations: 0 };
  const revoked: string[] = [];
  const last = { authorization: new URLSearchParams(), token: new URLSearchParams() };
  const upstream = {
    url: `${issuer}/mcp`,
    issuer,
    account: 'ana@upstream',
    scopes: ['read', 'write'],
    challenge: undefined as string | undefined,
    expiresIn: 3600 as number | string | undefined,
    over: {},
    scheme: 'Bearer',
    serve: (_request: IncomingMessage, _response: ServerResponse) => false,
    resource: {},
    registered: {},
    judge: (_request: IncomingMessage): Promise<TokenRefusal | undefined> => Promise.resolve(undefined),
    metadata: {},
    answer: {} as Record<string, string | undefined>,
    onRefresh: (): Promise<void> | void => undefined,
    failing: undefined as OAuthUpstream['failing'],
    losesAnswers: false,
    revocationStatus: 200,
    get refreshes() {
      return counts.refreshes;
    },
    get registrations() {
      return counts.registrations;
    },
    revoked,
    get lastAuthorization() {
      return last.authorization;
    },
    get lastToken() {
      return last.token;
    },
    accountOf: (token: string) => accessTokens.get(token),
    [Symbol.asyncDispose]: () => closed(server),
  };

  function give(response: ServerResponse, grant: Grant): void {
    const [access, refresh] = [`access-${randomUUID()}`, `refresh-${randomUUID()}`];
    accessTokens.set(access, grant.account);
    refreshTokens.set(refresh, grant);
    const { expiresIn, over } = upstream;
    json(response, 200, {
      ...{ access_token: access, token_type: 'Bearer', refresh_token: refresh },
      ...(expiresIn !== undefined && { expires_in: expiresIn }),
      ...(grant.scope !== '' && { scope: grant.scope }),
      ...over,
    });
  }

  async function token(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = (last.token = await formOf(request));
    const refusal = await upstream.judge(request);
    if (refusal !== undefined) {
      for (const [name, value] of Object.entries(refusal.headers ?? {})) response.setHeader(name, value);
      return json(response, 400, { error: refusal.error });
    }
    if (form.get('grant_type') === 'refresh_token') {
      counts.refreshes += 1;
      await upstream.onRefresh();
    }
    if (upstream.failing !== undefined) return json(response, upstream.failing.status, { error: upstream.failing.error });
    const [from, name] = form.has('code') ? ([codes, 'code'] as const) : ([refreshTokens, 'refresh_token'] as const);
    const grant = from.get(form.get(name) ?? '');
    // Rotation: what was used once is used up.
    from.delete(form.get(name) ?? '');
    const verifier = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (grant === undefined || (name === 'code' && grant.challenge !== verifier))
      return json(response, 400, { error: 'invalid_grant' });
    if (upstream.losesAnswers) return void response.destroy();
    return give(response, grant);
  }

  const routes: Readonly<
    Record<string, (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => unknown>
  > = {
    '/mcp': (request, response) => {
      if (upstream.serve(request, response)) return;
      const scope = upstream.challenge === undefined ? '' : `, scope="${upstream.challenge}"`;
      response.setHeader(
        'www-authenticate',
        `${upstream.scheme} resource_metadata="${issuer}/.well-known/oauth-protected-resource/mcp"${scope}`,
      );
      json(response, 401, {});
    },
    '/.well-known/oauth-protected-resource/mcp': (_request, response) =>
      json(response, 200, {
        ...{ resource: `${issuer}/mcp`, authorization_servers: [issuer], scopes_supported: upstream.scopes },
        ...upstream.resource,
      }),
    '/.well-known/oauth-authorization-server': (_request, response) =>
      json(response, 200, {
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        registration_endpoint: `${issuer}/register`,
        revocation_endpoint: `${issuer}/revoke`,
        code_challenge_methods_supported: ['S256'],
        token_endpoint_auth_methods_supported: ['none'],
        authorization_response_iss_parameter_supported: true,
        ...upstream.metadata,
      }),
    '/register': async (_request, response) => {
      counts.registrations += 1;
      const client = { client_id: `client-${counts.registrations}`, token_endpoint_auth_method: 'none' };
      json(response, 201, { ...client, ...upstream.registered });
    },
    '/authorize': (_request, response, query) => {
      last.authorization = query;
      const code = randomUUID();
      codes.set(code, {
        account: upstream.account,
        challenge: query.get('code_challenge') ?? '',
        scope: query.get('scope') ?? '',
      });
      const back = new URL(query.get('redirect_uri') ?? '');
      const parameters = { code, state: query.get('state') ?? '', iss: issuer, ...upstream.answer };
      for (const [name, value] of Object.entries(parameters)) if (value !== undefined) back.searchParams.set(name, value);
      response.writeHead(302, { location: back.href }).end();
    },
    '/token': token,
    '/revoke': async (request, response) => {
      const form = await formOf(request);
      if (upstream.revocationStatus === 200) revoked.push(form.get('token') ?? '');
      response.writeHead(upstream.revocationStatus).end();
    },
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', issuer);
    const route = routes[url.pathname];
    if (route === undefined) return json(response, 404, {});
    await route(request, response, url.searchParams);
  }
  return upstream;
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => void server.close(() => resolve()));
}
