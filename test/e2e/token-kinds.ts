import { newDpopKey } from '@switchyard/testing';
import { randomUUID } from 'node:crypto';
import { clientAssertion } from '../../services/auth-server/src/fixtures/client-assertion.js';
import { pushedUrl, pushRequest } from '../../services/auth-server/src/fixtures/pushed-request.js';
import { departed, REDIRECT_URI, shown, TestBrowser } from '../../services/auth-server/src/fixtures/test-browser.js';
import { TestClient, type JsonAnswer } from '../../services/auth-server/src/fixtures/test-client.js';
import { askAsDevice, pollAsDevice, registerDevice } from '../../services/auth-server/src/fixtures/test-device.js';
import { AdminApi } from './admin-api.js';
import type { LocalTarget } from './targets/target.js';
import { draw, type Surroundings } from './token-surroundings.js';

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** Every token and secret that was given to anybody or made by anybody, by kind; and what was said to who brought something wrong. */
export interface Collected {
  readonly tokens: ReadonlyMap<string, readonly string[]>;
  /** Answers with an error, header fields and body. */
  readonly errors: readonly string[];
}

/** Has somebody get and use tokens of every kind, and use them wrongly. */
export class TokenRound {
  readonly tokens = new Map<string, string[]>();
  readonly errors: string[] = [];
  readonly #target: LocalTarget;
  readonly #around: Surroundings;

  constructor(target: LocalTarget, around: Surroundings) {
    this.#target = target;
    this.#around = around;
  }

  /** Does all of it. */
  async run(): Promise<Collected> {
    const idp = this.#around.idp();
    idp.who = { sub: 'ana', claims: { email: 'ana@example.com', email_verified: true } };
    idp.employees.set('ana', idp.who);
    const client = await this.#register();
    const token = await this.#codeAndRefresh(client);
    await this.#pushed(client);
    await this.#device();
    await this.#bound();
    await this.#services();
    await this.#asserted(client);
    await this.#keys();
    await this.#account(token);
    await this.#boundAccount(token);
    await this.#ownKey(token);
    await this.#vouchedFor(token);
    await this.#wrong(token, client);
    this.#keep('token of the company', ...idp.given);
    this.#keep('secret in the configuration', ...Object.values(this.#around.secrets));
    this.#keep('private key of a service', this.#around.robot.privateKey.export({ format: 'jwk' }).d ?? '');
    this.#keep('upstream token that the gateway got for itself', ...this.#around.machineTokens);
    const [exchanging, asserted] = [this.#around.exchanging(), this.#around.asserted()];
    this.#keep('statement about a caller', ...exchanging.shown);
    this.#keep('upstream token in exchange for a statement', ...exchanging.given.keys());
    this.#keep('ID-JAG towards an upstream', ...asserted.shown);
    this.#keep('upstream token for an ID-JAG', ...asserted.given.keys());
    this.#keep('secret in the configuration', exchanging.clientSecret, asserted.clientSecret);
    for (const [what, all] of Object.entries(this.#around.tracker.given)) this.#keep(`upstream ${what}`, ...all);
    return { tokens: this.tokens, errors: this.errors };
  }

  #keep(kind: string, ...values: readonly string[]): void {
    this.tokens.set(kind, [...(this.tokens.get(kind) ?? []), ...values]);
  }

  #client(): TestClient {
    return new TestClient(this.#target.publicUrl, [this.#target.publicUrl]);
  }

  #browser(): TestBrowser {
    const { tracker, bound } = this.#around;
    const others = [this.#around.idp().issuer, `http://${tracker.at}`, bound.origin];
    return new TestBrowser(this.#target.publicUrl, [this.#target.publicUrl], others);
  }

  /** What answers say in words: whoever asked wrongly is told why, and must not be told more. */
  #note(answer: JsonAnswer): JsonAnswer {
    if (answer.status >= 400) this.errors.push(`${JSON.stringify([...answer.headers])}\n${answer.text}`);
    return answer;
  }

  #keepTokens(answer: JsonAnswer): string {
    const { access_token: access, refresh_token: refresh } = answer.json;
    if (typeof access !== 'string') throw new Error(`no tokens: ${answer.status} ${answer.text}`);
    this.#keep('access token', access);
    if (typeof refresh === 'string') this.#keep('refresh token', refresh);
    return access;
  }

  async #register(metadata: Record<string, unknown> = {}): Promise<TestClient> {
    const client = this.#client();
    const grants = { grant_types: ['authorization_code', 'refresh_token', JWT_BEARER] };
    const { json } = await client.register({ token_endpoint_auth_method: 'client_secret_post', ...grants, ...metadata });
    if (json['client_secret'] !== undefined) this.#keep('client secret', String(json['client_secret']));
    return client;
  }

  #secret = () => ({ client_secret: this.tokens.get('client secret')?.[0] ?? '' });

  /** Signs in over the company and agrees. @returns the code */
  async #approve(url: URL): Promise<string> {
    const browser = this.#browser();
    let page = await browser.open(url);
    if (!('location' in page) && page.text.includes('Example Corp')) page = await browser.submit(page, { provider: 'company' });
    if (!('location' in page)) {
      this.#keep('cookie of the sign-in', ...browser.cookieValues());
      page = await browser.submit(page, { do: 'approve' });
    }
    this.#keep('cookie of the sign-in', ...browser.cookieValues());
    const code = departed(page).location.searchParams.get('code') ?? '';
    this.#keep('authorization code', code);
    return code;
  }

  async #codeAndRefresh(client: TestClient): Promise<string> {
    const { url, verifier } = client.authorizationUrl();
    const code = { code: await this.#approve(url), verifier, redirectUri: REDIRECT_URI };
    const first = await client.redeem(code, this.#secret());
    this.#keepTokens(first);
    this.#keep('PKCE verifier', verifier);
    return this.#keepTokens(await client.refresh(String(first.json['refresh_token']), this.#secret()));
  }

  async #pushed(client: TestClient): Promise<void> {
    const { requestUri } = await pushRequest(client, this.#secret());
    this.#keep('pushed request', requestUri.replace(/^.*:/, ''));
    await this.#approve(pushedUrl(client, requestUri));
    const unused = await pushRequest(client, this.#secret());
    this.#keep('pushed request', unused.requestUri.replace(/^.*:/, ''));
  }

  async #device(): Promise<void> {
    const client = this.#client();
    await registerDevice(client);
    const request = await askAsDevice(client);
    this.#keep('device code', request.deviceCode);
    this.#note(await pollAsDevice(client, request));
    const browser = this.#browser();
    const typed = await browser.submit(shown(await browser.open('/oauth/device')), { user_code: request.userCode });
    let page = await browser.submit(shown(typed), { confirm: 'yes' });
    if (!('location' in page) && page.text.includes('Continue with')) page = await browser.submit(page, { provider: 'company' });
    await browser.submit(shown(page), { do: 'approve' });
    this.#keepTokens(await pollAsDevice(client, request));
    this.#keep('device code', (await askAsDevice(client)).deviceCode);
  }

  async #bound(): Promise<void> {
    const [client, key] = [this.#client(), newDpopKey()];
    await client.register();
    const { url, verifier } = client.authorizationUrl();
    const code = await this.#approve(url);
    const endpoint = { method: 'POST', url: `${client.publicUrl}/oauth/token` };
    const grant = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: REDIRECT_URI };
    const send = (proof: string, parameters: Record<string, string>) =>
      client.fetch('/oauth/token', {
        method: 'POST',
        headers: { dpop: proof },
        body: new URLSearchParams({ client_id: client.clientId, ...parameters }),
      });
    const [first, second, misused] = [key.proof(endpoint), key.proof(endpoint), newDpopKey().proof(endpoint)];
    const tokens = await send(first, grant);
    const token = this.#keepTokens(tokens);
    const refreshToken = String(tokens.json['refresh_token']);
    this.#note(await send(misused, { grant_type: 'refresh_token', refresh_token: refreshToken }));
    const call = key.proof({ method: 'POST', url: `${client.publicUrl}/mcp/work`, token });
    this.#note(await this.call(`DPoP ${token}`, 'machine__echo', { dpop: call }));
    this.#note(await this.call(`Bearer ${token}`, 'machine__echo', { dpop: second }));
    this.#keep('DPoP proof', first, second, misused, call);
  }

  async #services(): Promise<void> {
    const client = this.#client();
    const { publicUrl } = client;
    const asked = { grant_type: 'client_credentials', resource: `${publicUrl}/mcp/work` };
    const assertion = clientAssertion(this.#around.robot, 'robot', publicUrl);
    this.#keep('client assertion', assertion['client_assertion'] ?? '');
    client.clientId = 'robot';
    this.#keepTokens(await client.token({ ...asked, ...assertion }));
    this.#note(await client.token({ ...asked, ...assertion }));
    const basic = `Basic ${Buffer.from(`reports:${this.#around.secrets.REPORTS_SECRET}`).toString('base64')}`;
    const headers = { authorization: basic };
    this.#keepTokens(await client.fetch('/oauth/token', { method: 'POST', headers, body: new URLSearchParams(asked) }));
  }

  async #asserted(client: TestClient): Promise<void> {
    const idp = this.#around.idp();
    const iat = Math.floor(Date.now() / 1000);
    const what = { aud: client.publicUrl, client_id: client.clientId, resource: `${client.publicUrl}/mcp/work`, scope: 'mcp' };
    const person = { sub: 'ana', email: 'ana@example.com', email_verified: true };
    const claims = { iss: idp.issuer, ...person, ...what, jti: randomUUID(), iat, exp: iat + 300 };
    const assertion = idp.signed(claims, { typ: 'oauth-id-jag+jwt' });
    this.#keep('ID-JAG', assertion);
    const present = () => client.token({ grant_type: JWT_BEARER, assertion, ...this.#secret() });
    this.#keepTokens(await present());
    this.#note(await present());
  }

  async #keys(): Promise<void> {
    const admin = new AdminApi(this.#target.publicUrl, this.#target.adminKey);
    const { key } = await admin.createKey({ name: 'round', servers: ['*'] });
    const revoked = await admin.createKey({ name: 'revoked', servers: ['*'] });
    await admin.request('DELETE', `/api/v1/keys/${revoked.id}`);
    this.#keep('API key', key, revoked.key);
    const answer = await this.call(`Bearer ${key}`, 'machine__echo');
    if (!answer.text.includes('ledger')) throw new Error(`the call failed: ${answer.status} ${answer.text}`);
  }

  /** Connects an account at the upstream, and calls until its token has been renewed. */
  async #account(token: string): Promise<void> {
    const { tracker } = this.#around;
    const browser = this.#browser();
    let page = shown(await browser.open('/connect/tracker'));
    if (page.text.includes('Continue with Example Corp')) page = shown(await browser.submit(page, { provider: 'company' }));
    const choice = shown(await browser.submit(page, { label: 'default', do: 'connect' }));
    const link = /href="(\/choose[^"]*)"/.exec(choice.text)?.[1] ?? '';
    const end = shown(await browser.open(new URL(link.replaceAll('&amp;', '&'), choice.url)));
    if (!end.text.includes('is connected')) throw new Error(`no account was connected: ${end.status} ${end.text}`);
    this.#keep('cookie of the connect pages', ...browser.cookieValues());
    const deadline = performance.now() + 30_000;
    do {
      const answer = await this.call(`Bearer ${token}`, 'whoami');
      if (!answer.text.includes('@tracker')) throw new Error(`the call failed: ${answer.status} ${answer.text}`);
    } while (tracker.renewals.size === 0 && performance.now() < deadline);
    if (tracker.renewals.size === 0) throw new Error('nothing was renewed');
  }

  /** Connects an account whose tokens are bound to a key, and calls. */
  async #boundAccount(token: string): Promise<void> {
    const { shown: seen } = this.#around.bound;
    const browser = this.#browser();
    let page = shown(await browser.open('/connect/bound'));
    if (page.text.includes('Continue with Example Corp')) page = shown(await browser.submit(page, { provider: 'company' }));
    const end = shown(await browser.submit(page, { label: 'default', do: 'connect' }));
    if (!end.text.includes('is connected')) throw new Error(`no account was connected: ${end.status} ${end.text}`);
    const answer = await this.call(`Bearer ${token}`, 'bound__act');
    if (!answer.text.includes('bound: act')) throw new Error(`the call failed: ${answer.status} ${answer.text}`);
    this.#keep('upstream token that is bound to a key', ...seen.tokens);
    this.#keep('DPoP proof for an upstream', ...seen.proofs);
  }

  /** Enters a key of their own, is told of one that cannot be any, and calls with it. */
  async #ownKey(token: string): Promise<void> {
    const browser = this.#browser();
    let page = shown(await browser.open('/connect/keyed'));
    if (page.text.includes('Continue with Example Corp')) page = shown(await browser.submit(page, { provider: 'company' }));
    const [misread, key] = [`${draw('own-key')}\u00e9`, draw('own-key')];
    const problem = shown(await browser.submit(page, { label: 'default', key: misread, do: 'connect' }));
    this.errors.push(`${JSON.stringify([...problem.headers])}\n${problem.text}`);
    const end = shown(await browser.submit(problem, { label: 'default', key, do: 'connect' }));
    if (!end.text.includes('is connected')) throw new Error(`no key was connected: ${end.status} ${end.text}`);
    this.#keep('own key of a person', misread.slice(0, -1), key);
    await this.#mustCall(token, 'keyed__echo');
  }

  /** Calls what gives tokens for what the gateway, and for what the company, says of them. */
  async #vouchedFor(token: string): Promise<void> {
    await this.#mustCall(token, 'stated__echo');
    await this.#mustCall(token, 'asserted__echo');
  }

  async #mustCall(token: string, name: string): Promise<void> {
    const answer = await this.call(`Bearer ${token}`, name);
    if (!answer.text.includes('ledger')) throw new Error(`the call failed: ${answer.status} ${answer.text}`);
  }

  /** Everything where it does not belong, and what is nothing at all. */
  async #wrong(token: string, client: TestClient): Promise<void> {
    const [refresh = ''] = this.tokens.get('refresh token') ?? [];
    const [code = ''] = this.tokens.get('authorization code') ?? [];
    const [misplaced, unknown] = [draw('misplaced'), draw('unknown')];
    this.#keep('what is no token', misplaced, unknown, `eyJhbGciOiJFUzI1NiJ9.${unknown}.${unknown}`);
    const query = new URLSearchParams({ access_token: token, client_secret: this.#secret().client_secret, token: misplaced });
    this.#note(await client.fetch(`/mcp/work?${query.toString()}`, { method: 'POST', body: '{}' }));
    this.#note(await client.fetch(`/oauth/token?${query.toString()}`, { method: 'POST', body: new URLSearchParams({ code }) }));
    this.#note(await client.fetch(`/api/v1/me/sessions?${query.toString()}`));
    this.#note(await client.fetch(`/connect/tracker?${query.toString()}`));
    for (const authorization of [
      `Bearer ${misplaced}`,
      `Bearer eyJhbGciOiJFUzI1NiJ9.${unknown}.${unknown}`,
      `Basic ${misplaced}`,
    ])
      this.#note(await this.call(authorization, 'whoami'));
    this.#note(await client.refresh(refresh, { client_secret: unknown }));
    this.#note(await client.refresh(unknown, this.#secret()));
    this.#note(await client.redeem({ code, verifier: unknown, redirectUri: REDIRECT_URI }, this.#secret()));
    const body = new URLSearchParams({ client_id: client.clientId, ...this.#secret(), token: misplaced });
    this.#note(await client.fetch('/oauth/revoke', { method: 'POST', body }));
    this.#note(await client.fetch('/oauth/authorize', { headers: { cookie: `_session=${misplaced}; _interaction=${unknown}` } }));
  }

  /** Calls a tool of the server `work`. */
  async call(authorization: string, name: string, headers: Record<string, string> = {}): Promise<JsonAnswer> {
    const version = '2026-07-28';
    const meta = { 'io.modelcontextprotocol/protocolVersion': version, 'io.modelcontextprotocol/clientCapabilities': {} };
    const params = { name, arguments: { text: 'x' }, _meta: meta };
    const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params };
    return this.#note(
      await this.#client().fetch('/mcp/work', {
        method: 'POST',
        headers: {
          ...{ authorization, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
          ...{ 'mcp-protocol-version': version, 'mcp-method': 'tools/call', 'mcp-name': name },
          ...headers,
        },
        body: JSON.stringify(message),
      }),
    );
  }
}
