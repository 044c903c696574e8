import type { OAuthRegisteredClientsStore } from '@modelcontextprotocol/sdk/server/auth/clients.js';
import { InvalidGrantError, InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import type { AuthorizationParams, OAuthServerProvider } from '@modelcontextprotocol/sdk/server/auth/provider.js';
import {
  createOAuthMetadata,
  getOAuthProtectedResourceMetadataUrl,
  mcpAuthMetadataRouter,
  mcpAuthRouter,
} from '@modelcontextprotocol/sdk/server/auth/router.js';
import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { OAuthClientInformationFull, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';
import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Accounts that people have there; the page asks which, every time. */
export const ACCOUNTS = ['ana@tracker', 'bea@tracker'] as const;

/** An MCP server of the SDK behind OAuth, and its authorization server, which is at another origin. */
export interface Tracker extends AsyncDisposable {
  /** The MCP endpoint. */
  readonly url: string;
  /** Host of the authorization server. */
  readonly at: string;
  /** Every secret that it has given out, by what it is. */
  readonly given: Readonly<Record<'access token' | 'refresh token' | 'client secret' | 'authorization code', readonly string[]>>;
  /** Every request that either of the two has received, as text: method, target, header fields and body. */
  readonly received: readonly string[];
  /** Accounts that used a session of the MCP server, by session. */
  readonly sessions: ReadonlyMap<string, ReadonlySet<string>>;
  /** Refresh tokens that were revoked there. */
  readonly revoked: readonly string[];
  /** How often somebody's tokens were renewed, by account. */
  readonly renewals: ReadonlyMap<string, number>;
}

/** So short that tokens are renewed while a test runs; they are good for longer than is said. */
const LIFETIME_SECONDS = 8;

/** Starts both on free ports of loopback. */
export async function startTracker(): Promise<Tracker> {
  await using undo = new AsyncDisposableStack();
  const received: string[] = [];
  const sessions = new Map<string, Set<string>>();
  const authorization = undo.use(await listen(received));
  const resource = undo.use(await listen(received));
  const resourceUrl = new URL('/mcp', resource.origin);
  const accounts = new Accounts(resourceUrl);
  const issuerUrl = new URL(authorization.origin);

  const login = createMcpExpressApp();
  const unlimited = { rateLimit: false as const };
  login.use(
    mcpAuthRouter({
      ...{ provider: accounts, issuerUrl, scopesSupported: ['items:read'] },
      ...{ authorizationOptions: unlimited, tokenOptions: unlimited, revocationOptions: unlimited },
      clientRegistrationOptions: unlimited,
    }),
  );
  // What browsers ask for by themselves.
  login.get('/favicon.ico', (_request, response) => void response.status(204).end());
  login.get('/choose', (request, response) => {
    response.redirect(303, accounts.choose(String(request.query['login']), String(request.query['account'])).href);
  });
  authorization.serve(login);

  const mcp = createMcpExpressApp();
  const oauthMetadata = createOAuthMetadata({ provider: accounts, issuerUrl, scopesSupported: ['items:read'] });
  mcp.use(mcpAuthMetadataRouter({ oauthMetadata, resourceServerUrl: resourceUrl, resourceName: 'Tracker' }));
  const resourceMetadataUrl = getOAuthProtectedResourceMetadataUrl(resourceUrl);
  const transports = new Map<string, StreamableHTTPServerTransport>();
  mcp.all('/mcp', requireBearerAuth({ verifier: accounts, resourceMetadataUrl }), async (request, response) => {
    const id = request.headers['mcp-session-id'];
    const account = String(request.auth?.extra?.['account']);
    if (typeof id === 'string') sessions.get(id)?.add(account);
    const known = typeof id === 'string' ? transports.get(id) : undefined;
    const transport = known ?? (await openSession(transports, (opened) => sessions.set(opened, new Set([account]))));
    await transport.handleRequest(request, response, request.body);
  });
  resource.serve(mcp);

  const started = undo.move();
  return {
    url: resourceUrl.href,
    at: issuerUrl.host,
    given: accounts.given,
    received,
    sessions,
    revoked: accounts.revoked,
    renewals: accounts.renewals,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

async function openSession(
  transports: Map<string, StreamableHTTPServerTransport>,
  opened: (id: string) => void,
): Promise<StreamableHTTPServerTransport> {
  const server = new McpServer({ name: 'tracker', version: '1.0.0' });
  server.registerTool('whoami', { description: 'Says whose account this is' }, ({ authInfo }) => ({
    content: [{ type: 'text', text: `You are ${String(authInfo?.extra?.['account'])}` }],
  }));
  const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => {
      transports.set(id, transport);
      opened(id);
    },
  });
  await server.connect(transport);
  return transport;
}

interface Login {
  readonly client: OAuthClientInformationFull;
  readonly params: AuthorizationParams;
}

interface Grant {
  readonly account: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
}

const draw = (what: string) => `${what}-${randomBytes(24).toString('base64url')}`;

/** The accounts of an upstream, as its authorization server keeps them. */
class Accounts implements OAuthServerProvider {
  readonly given = {
    'access token': [] as string[],
    'refresh token': [] as string[],
    'client secret': [] as string[],
    'authorization code': [] as string[],
  };
  readonly revoked: string[] = [];
  readonly renewals = new Map<string, number>();
  readonly #resource: URL;
  readonly #clients = new Map<string, OAuthClientInformationFull>();
  readonly #logins = new Map<string, Login>();
  readonly #codes = new Map<string, Login & { readonly account: string }>();
  readonly #accessTokens = new Map<string, Grant>();
  readonly #refreshTokens = new Map<string, Grant>();

  constructor(resource: URL) {
    this.#resource = resource;
  }

  readonly clientsStore: OAuthRegisteredClientsStore = {
    getClient: (id) => this.#clients.get(id),
    registerClient: (client) => {
      const full = client as OAuthClientInformationFull;
      this.#clients.set(full.client_id, full);
      if (full.client_secret !== undefined) this.given['client secret'].push(full.client_secret);
      return full;
    },
  };

  async authorize(client: OAuthClientInformationFull, params: AuthorizationParams, response: PageResponse): Promise<void> {
    const login = randomUUID();
    this.#logins.set(login, { client, params });
    const links = ACCOUNTS.map((account) => `<p><a href="/choose?login=${login}&account=${account}">${account}</a></p>`);
    response.type('html').send(`<!doctype html><title>Tracker</title><h1>Choose an account of Tracker</h1>${links.join('')}`);
  }

  choose(login: string, account: string): URL {
    const chosen = this.#logins.get(login);
    if (chosen === undefined) throw new InvalidGrantError('unknown login');
    this.#logins.delete(login);
    const code = draw('code');
    this.given['authorization code'].push(code);
    this.#codes.set(code, { ...chosen, account });
    const back = new URL(chosen.params.redirectUri);
    back.searchParams.set('code', code);
    if (chosen.params.state !== undefined) back.searchParams.set('state', chosen.params.state);
    return back;
  }

  async challengeForAuthorizationCode(_client: OAuthClientInformationFull, code: string): Promise<string> {
    return this.#codes.get(code)?.params.codeChallenge ?? '';
  }

  async exchangeAuthorizationCode(client: OAuthClientInformationFull, code: string): Promise<OAuthTokens> {
    const login = this.#codes.get(code);
    this.#codes.delete(code);
    if (login?.client.client_id !== client.client_id) throw new InvalidGrantError('no such code');
    if (login.params.resource?.href !== this.#resource.href) throw new InvalidGrantError('not for this resource');
    return this.#give({ account: login.account, clientId: client.client_id, scopes: login.params.scopes ?? [] });
  }

  async exchangeRefreshToken(client: OAuthClientInformationFull, token: string): Promise<OAuthTokens> {
    const grant = this.#refreshTokens.get(token);
    this.#refreshTokens.delete(token);
    if (grant?.clientId !== client.client_id) throw new InvalidGrantError('no such token');
    this.renewals.set(grant.account, (this.renewals.get(grant.account) ?? 0) + 1);
    return this.#give(grant);
  }

  async verifyAccessToken(token: string) {
    const grant = this.#accessTokens.get(token);
    if (grant === undefined) throw new InvalidTokenError('no such token');
    const { account, clientId, scopes } = grant;
    return { token, clientId, scopes: [...scopes], expiresAt: Math.floor(Date.now() / 1000) + 3600, extra: { account } };
  }

  async revokeToken(_client: OAuthClientInformationFull, { token }: { readonly token: string }): Promise<void> {
    this.revoked.push(token);
    this.#refreshTokens.delete(token);
    this.#accessTokens.delete(token);
  }

  #give(grant: Grant): OAuthTokens {
    const [access, refresh] = [draw('access'), draw('refresh')];
    this.given['access token'].push(access);
    this.given['refresh token'].push(refresh);
    this.#accessTokens.set(access, grant);
    this.#refreshTokens.set(refresh, grant);
    const scope = grant.scopes.join(' ');
    return { access_token: access, token_type: 'Bearer', refresh_token: refresh, expires_in: LIFETIME_SECONDS, scope };
  }
}

interface PageResponse {
  type(name: string): { send(text: string): unknown };
}

/** A server on a free port that writes down everything that it receives. */
async function listen(received: string[]) {
  let serve: RequestListener = (_request, response) => void response.writeHead(503).end();
  const server = createServer((request, response) => {
    const place = received.push(`${request.method} ${request.url}\n${request.rawHeaders.join('\n')}\n\n`) - 1;
    request.on('data', (chunk: Buffer) => void (received[place] += chunk.toString('utf8')));
    serve(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    serve: (listener: RequestListener) => void (serve = listener),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}
