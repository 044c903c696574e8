// An MCP server of revision 2026-07-28 at which everybody has an account of their own, with its authorization server: refresh tokens
// rotate, one that is used again ends its account's connection, and everything that is renewed is written down. Runs in the benchmark's
// own process, which counts.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

const DISCOVERED = { supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, ttlMs: 600_000, cacheScope: 'public' };
const TOOLS = { tools: [{ name: 'whoami', inputSchema: { type: 'object' } }], ttlMs: 600_000, cacheScope: 'public' };

async function textOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

const json = (response, status, body, headers = {}) =>
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

/** @param lifetimeSeconds that its access tokens have, and are said to have */
export async function startAccountUpstream(lifetimeSeconds) {
  const accessTokens = new Map();
  const refreshTokens = new Map();
  /** One for each request that renews: how old the access token was then, and whether its refresh token had been used before. */
  const renewals = [];
  let accounts = 0;

  function give(response, account) {
    const [access, refresh] = [randomUUID(), randomUUID()];
    const givenAtMs = Date.now();
    accessTokens.set(access, { account, untilMs: givenAtMs + lifetimeSeconds * 1000 });
    refreshTokens.set(refresh, { account, givenAtMs, used: false });
    json(response, 200, { access_token: access, token_type: 'Bearer', refresh_token: refresh, expires_in: lifetimeSeconds });
  }

  async function token(request, response) {
    const form = new globalThis.URLSearchParams(await textOf(request));
    if (form.get('grant_type') !== 'refresh_token') return give(response, form.get('code'));
    const known = refreshTokens.get(form.get('refresh_token'));
    renewals.push({ ageMs: Date.now() - (known?.givenAtMs ?? 0), again: known === undefined || known.used });
    if (known === undefined || known.used) return json(response, 400, { error: 'invalid_grant' });
    known.used = true;
    give(response, known.account);
  }

  async function mcp(request, response) {
    const { id, method } = JSON.parse((await textOf(request)) || '{}');
    const given = accessTokens.get(request.headers.authorization?.replace('Bearer ', ''));
    if (given === undefined || given.untilMs < Date.now()) {
      const challenge = `Bearer resource_metadata="${issuer}/.well-known/oauth-protected-resource/mcp"`;
      return json(response, 401, {}, { 'www-authenticate': challenge });
    }
    const called = { content: [{ type: 'text', text: given.account }] };
    const result = { 'server/discover': DISCOVERED, 'tools/list': TOOLS }[method] ?? called;
    json(response, 200, { jsonrpc: '2.0', id, result: { ...result, resultType: 'complete' } });
  }

  const routes = {
    '/mcp': mcp,
    '/token': token,
    '/.well-known/oauth-protected-resource/mcp': (_request, response) =>
      json(response, 200, { resource: `${issuer}/mcp`, authorization_servers: [issuer] }),
    '/.well-known/oauth-authorization-server': (_request, response) =>
      json(response, 200, {
        ...{ issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` },
        ...{ registration_endpoint: `${issuer}/register`, code_challenge_methods_supported: ['S256'] },
        ...{ token_endpoint_auth_methods_supported: ['none'], authorization_response_iss_parameter_supported: true },
      }),
    '/register': (_request, response) => json(response, 201, { client_id: 'bench', token_endpoint_auth_method: 'none' }),
    '/authorize': (request, response) => {
      const asked = new URL(request.url, issuer).searchParams;
      const back = new URL(asked.get('redirect_uri'));
      accounts += 1;
      const answer = { code: `account-${accounts}`, state: asked.get('state'), iss: issuer };
      for (const [name, value] of Object.entries(answer)) back.searchParams.set(name, value);
      response.writeHead(302, { location: back.href }).end();
    },
  };
  const server = createServer((request, response) => {
    const route = routes[new URL(request.url, issuer).pathname];
    if (route === undefined) return json(response, 404, {});
    void route(request, response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  return {
    url: `${issuer}/mcp`,
    renewals,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
