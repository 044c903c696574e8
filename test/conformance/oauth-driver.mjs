// What the referee starts as "the client" in its `auth/` scenarios: an MCP client whose tokens come from the token vault's own OAuth
// connector, the code behind the connect pages. Nobody sits at a browser: redirects of authorization endpoints are followed by fetch.
// What is sent with a token that is bound to a key goes through the edge's own code for that.
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Egress, LOOPBACK, NO_FIELDS, withField } from '@switchyard/egress';
import { generateDpopKey } from '@switchyard/oauth';
import { UpstreamHttp } from '../../services/edge-proxy/dist/upstream/upstream-http.js';
import { signedInAtCompany } from './signed-in-at-company.mjs';
import { ServiceTokens } from '../../services/token-vault/dist/client-credentials/service-tokens.js';
import { IdJagTokens } from '../../services/token-vault/dist/id-jag/id-jag-tokens.js';
import { beginAuthorization, checkAnswer, scopesToAsk } from '../../services/token-vault/dist/upstream-oauth/authorization.js';
import { bindsTokens } from '../../services/token-vault/dist/upstream-oauth/bound-tokens.js';
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

  /** @returns what is shown to the upstream, as the vault leases it */
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
    const dpopKey = orThrow(bindsTokens(found, settings, client)) ? await generateDpopKey() : undefined;
    const { pending, url } = await beginAuthorization(found, client, { scopes, authorizeParameters: {}, dpopKey });
    const answer = await fetch(url, { redirect: 'manual' });
    const back = new URL(answer.headers.get('location'));
    const tokens = orThrow(await redeemCode(http, pending, orThrow(checkAnswer(pending, back.searchParams))));
    this.#scopes = scopes;
    return shownWith(tokens.accessToken, dpopKey);
  }
}

const shownWith = (token, dpopKey = '') => ({
  headers: { Authorization: `${dpopKey === '' ? 'Bearer' : 'DPoP'} ${token}` },
  dpopKey,
});

/** A token of the gateway's own (upstreams of kind client-credentials), with what an administrator would write of it. */
const ownToken = (url) => async (challenge) => {
  const { client_id, client_secret, private_key_pem: private_key, valid_jwt } = JSON.parse(context);
  const { server } = orThrow(await discover(http, { url, challenge }));
  const known = { client_secret, private_key, assertion_file: valid_jwt && 'what the platform says' };
  const settings = { client_id, ...JSON.parse(JSON.stringify(known)), issuer: server.issuer, resource: url };
  const files = { read: () => Promise.resolve({ ok: true, value: valid_jwt }) };
  const services = new ServiceTokens({ http, servers: { find: () => Promise.resolve(server) }, clock: Date, files });
  return shownWith(orThrow(await services.get({ upstream: 'referee', version: '1', settings, rejected: '' })).accessToken);
};

/** A token for what the company says of whoever calls (upstreams of kind id-jag), with what an administrator would write of it. */
const companysToken = (url) => async (challenge) => {
  const { client_id, client_secret, idp_issuer, idp_client_id, idp_id_token } = JSON.parse(context);
  const { server } = orThrow(await discover(http, { url, challenge }));
  await using person = await signedInAtCompany({
    issuer: idp_issuer,
    clientId: idp_client_id,
    idToken: idp_id_token,
    fetch: egress.fetch,
  });
  const settings = { client_id, client_secret, issuer: server.issuer, resource: url };
  const tokens = new IdJagTokens({ http, servers: { find: () => Promise.resolve(server) }, clock: Date, assertions: person });
  const request = { upstream: 'referee', version: '1', settings, rejected: '', requestId: '', principal: person.principal };
  return shownWith(orThrow(await tokens.get(request)).accessToken);
};

const personsToken = (url) => {
  const connection = new Connection(url);
  return (challenge) => connection.authorize(challenge);
};

/** Sends requests with a credential. @param authorize given a challenge, resolves with another credential */
function fetchWith(authorize) {
  let credential;
  return async (input, init = {}) => {
    for (let authorizations = 0; ; authorizations += 1) {
      const headers = new globalThis.Headers(init.headers);
      if (credential !== undefined) headers.set('authorization', credential.headers.Authorization);
      const response = await send(input, { ...init, headers }, credential);
      if (![401, 403].includes(response.status) || authorizations === AUTHORIZATIONS) return response;
      await response.body?.cancel();
      credential = await authorize(readChallenge(response.headers.get('www-authenticate')));
    }
  };
}

const upstreams = new UpstreamHttp(egress, { now: () => Date.now() });

/** One request: as `fetch` does where its credential is bound to no key, else as edges do. */
function send(input, init, credential) {
  if (credential === undefined || credential.dpopKey === '') return fetch(input, init);
  const { method = 'GET', headers, body } = init;
  const fields = [...headers].reduce((lines, [name, value]) => withField(lines, name, value), NO_FIELDS);
  const request = { url: new URL(input), method, fields, headersTimeoutMs: 0, bodyTimeoutMs: 0 };
  return new Promise((resolve, reject) => {
    let control;
    let sink;
    const cancelled = () => control.abort(new Error('not wanted any more'));
    const stream = new globalThis.ReadableStream({ start: (controller) => (sink = controller), cancel: cancelled });
    init.signal?.addEventListener('abort', cancelled);
    upstreams.send({ ...request, body: typeof body === 'string' ? Buffer.from(body) : undefined }, credential, {
      start: (started) => (control = started),
      head: (status, answered) => {
        const lines = Object.entries(answered).flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
        resolve(new globalThis.Response(NO_BODY.has(status) ? null : stream, { status, headers: lines }));
      },
      data: (chunk) => sink.enqueue(chunk),
      end: () => sink.close(),
      fail: (error) => (sink.error(error), reject(error)),
    });
  });
}

const NO_BODY = new Set([202, 204, 205, 304]);

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
const WAYS = [
  [/^auth\/(client-credentials|wif)-/, ownToken],
  [/^auth\/enterprise-managed-authorization$/, companysToken],
];
const tokenOf = WAYS.find(([names]) => names.test(scenario))?.[1] ?? personsToken;
const client = await connect(url, fetchWith(tokenOf(url)));
const { tools } = await client.listTools();
for (const { name } of tools) await client.callTool({ name, arguments: {} });
await client.close();
await egress.close();
