// An MCP server at which people have accounts: the SDK's own server behind the SDK's own bearer check, with oidc-provider as its
// authorization server. `whoami` says whose token came. It runs as a process of its own, and says on standard output where.
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express from 'express';
import { once } from 'node:events';
import { Provider } from 'oidc-provider';

const app = express();
const listener = app.listen(0, '127.0.0.1');
await once(listener, 'listening');
const issuer = `http://127.0.0.1:${listener.address().port}`;
const url = `${issuer}/mcp`;
const metadata = '/.well-known/oauth-protected-resource/mcp';
const seconds = {
  AccessToken: 3600,
  AuthorizationCode: 60,
  Grant: 86_400,
  IdToken: 3600,
  Interaction: 600,
  RefreshToken: 86_400,
};

const provider = new Provider(issuer, {
  cookies: { keys: ['of the tests'] },
  scopes: ['notes', 'openid', 'offline_access'],
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: false },
    registration: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => url,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope: 'notes', accessTokenFormat: 'opaque' }),
    },
  },
  findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
  issueRefreshToken: async () => true,
  rotateRefreshToken: true,
  ttl: { ...seconds, Session: 86_400 },
});

async function interact(request, response) {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  const account = request.body?.account;
  if (prompt.name === 'login' && account === undefined) {
    const form = `<h1>Notes</h1><form method="post" action="${request.path}"><label>Account <input name="account"></label><button>Sign in</button></form>`;
    response.type('html').send(`<!doctype html><title>Notes</title>${form}`);
    return;
  }
  const finished = { mergeWithLastSubmission: true };
  if (prompt.name === 'login')
    return provider.interactionFinished(request, response, { login: { accountId: account } }, finished);
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  grant.addResourceScope(url, params.scope);
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } }, finished);
}

const verifier = {
  verifyAccessToken: async (token) => {
    const found = await provider.AccessToken.find(token);
    if (found === undefined) throw new Error('unknown token');
    const scopes = found.scope?.split(' ') ?? [];
    return { token, clientId: found.clientId, scopes, expiresAt: found.exp, extra: { account: found.accountId } };
  },
};

app.get(metadata, (_request, response) =>
  response.json({ resource: url, authorization_servers: [issuer], scopes_supported: ['notes'] }),
);
app.all('/interaction/:uid', express.urlencoded(), interact);
app.all(
  '/mcp',
  requireBearerAuth({ verifier, requiredScopes: ['notes'], resourceMetadataUrl: `${issuer}${metadata}` }),
  express.json(),
  async (request, response) => {
    const server = new McpServer({ name: 'notes', version: '1.0.0' });
    server.registerTool('whoami', { description: 'Whose token came' }, (extra) => ({
      content: [{ type: 'text', text: String(extra.authInfo?.extra?.account) }],
    }));
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
    await server.connect(transport);
    await transport.handleRequest(request, response, request.body);
  },
);
// Browsers ask for it by themselves.
app.get('/favicon.ico', (_request, response) => response.status(204).end());
app.use(provider.callback());
console.log(`listening at ${url}`);
