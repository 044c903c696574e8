// What the referee starts as "the client" in its `auth/` scenarios: an MCP client whose tokens come from the token vault's own OAuth
// connector, the code behind the connect pages. Nobody sits at a browser: redirects of authorization endpoints are followed by fetch.
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Egress, LOOPBACK } from '@switchyard/egress';
import { ServiceTokens } from '../../services/token-vault/dist/client-credentials/service-tokens.js';
import { beginAuthorization, checkAnswer, scopesToAsk } from '../../services/token-vault/dist/upstream-oauth/authorization.js';
import { readChallenge } from '../../services/token-vault/dist/upstream-oauth/challenge.js';
import { clientWithoutRegistering, registerClient } from '../../services/token-vault/dist/upstream-oauth/client-registration.js';
import { discover } from '../../services/token-vault/dist/upstream-oauth/discover.js';
import { OAuthHttp } from '../../services/token-vault/dist/upstream-oauth/oauth-http.js';
import { OAuthProblem } from '../../services/token-vault/dist/upstream-oauth/oauth-problem.js';
import { redeemCode } from '../../services/token-vault/dist/upstream-oauth/tokens.js';

const {
  MCP_CONFORMANCE_PROTOCOL_VERSION: revision,
  MCP_CONFORMANCE_SCENARIO: scenario,
  MCP_CONFORMANCE_CONTEXT: context = '{}',
} = process.env;

/** Where the referee's example client has its metadata document; what the gateway's is at <publicUrl>/connect/client.json. */
const GATEWAY = {
  metadataUrl: 'https://conformance-test.local/client-metadata.json',
  redirectUri: 'http://127.0.0.1:8080/connect/callback',
};

const egress = new Egress({ allowed: LOOPBACK, connectTimeoutMs: 2_000 });
const http = new OAuthHttp({ fetch: egress.fetch, loopback: () => true });

/** As many authorizations as one request may cost: a second one where the first was not enough, and then no more. */
const AUTHORIZATIONS = 2;

const orThrow = (value) => {
  if (value instanceof OAuthProblem) throw new Error(`${value.reason}: ${value.message}`);
  return value;
};

/** Tokens for one upstream, as the vault would get them for one person. */
class Connection {
  #url;
  #clients = new Map();
  #scopes = [];

  constructor(url) {
    this.#url = url;
  }

  /** @returns an access token */
  async authorize(challenge) {
    const { client_id: clientId, client_secret: clientSecret } = JSON.parse(context);
    const settings = { url: this.#url, authorizeParameters: {}, ...(clientId && { clientId, clientSecret }) };
    const found = orThrow(await discover(http, { url: this.#url, challenge }));
    const { issuer } = found.server;
    // By issuer: what one authorization server registered is never shown to another, and neither are its scopes.
    const known = this.#clients.get(issuer) ?? clientWithoutRegistering(found.server, settings, GATEWAY);
    const client = known ?? orThrow(await registerClient(http, found.server, settings, GATEWAY));
    if (!this.#clients.has(issuer)) this.#scopes = [];
    this.#clients.set(issuer, client);
    const scopes = scopesToAsk(found, settings, this.#scopes);
    const { pending, url } = await beginAuthorization(found, client, { scopes, authorizeParameters: {} });
    const answer = await fetch(url, { redirect: 'manual' });
    const back = new URL(answer.headers.get('location'));
    const tokens = orThrow(await redeemCode(http, pending, orThrow(checkAnswer(pending, back.searchParams))));
    this.#scopes = scopes;
    return tokens.accessToken;
  }
}

/** A token of the gateway's own (upstreams of kind client-credentials), with what an administrator would write of it. */
const ownToken = (url) => async (challenge) => {
  const { client_id, client_secret, private_key_pem: private_key, valid_jwt } = JSON.parse(context);
  const { server } = orThrow(await discover(http, { url, challenge }));
  const known = { client_secret, private_key, assertion_file: valid_jwt && 'what the platform says' };
  const settings = { client_id, ...JSON.parse(JSON.stringify(known)), issuer: server.issuer, resource: url };
  const files = { read: () => Promise.resolve({ ok: true, value: valid_jwt }) };
  const services = new ServiceTokens({ http, servers: { find: () => Promise.resolve(server) }, clock: Date, files });
  return orThrow(await services.get({ upstream: 'referee', version: '1', settings, rejected: '' })).accessToken;
};

const personsToken = (url) => {
  const connection = new Connection(url);
  return (challenge) => connection.authorize(challenge);
};

/** Sends requests with a token. @param authorize given a challenge, resolves with another token */
function fetchWith(authorize) {
  let token;
  return async (input, init = {}) => {
    for (let authorizations = 0; ; authorizations += 1) {
      const headers = new globalThis.Headers(init.headers);
      if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
      const response = await fetch(input, { ...init, headers });
      if (![401, 403].includes(response.status) || authorizations === AUTHORIZATIONS) return response;
      await response.body?.cancel();
      token = await authorize(readChallenge(response.headers.get('www-authenticate')));
    }
  };
}

async function connect(url, fetch) {
  if (revision < '2026-07-28') {
    const client = new Client({ name: 'conformance-driver', version: '1.0.0' });
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { fetch }));
    return client;
  }
  const client = new ModernClient({ name: 'conformance-driver', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
  await client.connect(new ModernTransport(new URL(url), { fetch }));
  return client;
}

const url = process.argv.at(-1);
const tokenOf = /^auth\/(client-credentials|wif)-/.test(scenario) ? ownToken : personsToken;
const client = await connect(url, fetchWith(tokenOf(url)));
const { tools } = await client.listTools();
for (const { name } of tools) await client.callTool({ name, arguments: {} });
await client.close();
await egress.close();
