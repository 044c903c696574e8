import { randomUUID } from 'node:crypto';
import { OAuthMemory } from '../clients/oauth-memory.js';
import { callSteppingUp, SDKS, type McpClient, type Sdk } from '../clients/sdk-clients.js';
import { signInWithForms, type SignIn } from '../clients/sign-in.js';
import { EDITOR, OUTSIDER } from '../targets/gateway-file.js';
import { receivedWith, serverUrl, type GetContext, type SuiteContext } from './context.js';

const REDIRECT_URL = 'http://127.0.0.1:33418/callback';

/** Somebody who has signed in at one server through an SDK. */
export interface SignedIn extends AsyncDisposable {
  readonly client: McpClient;
  readonly memory: OAuthMemory;
  readonly fetch: typeof globalThis.fetch;
}

/** Takes a person through the whole flow and connects. @param event what the events of the calls must say */
export async function signInAt(
  context: SuiteContext,
  o: { sdk: Sdk; slug: string; email: string; event?: object; signIn?: SignIn; redirectUrl?: string },
): Promise<SignedIn> {
  const { sdk, slug, email, event = {}, signIn = signInWithForms, redirectUrl = REDIRECT_URL } = o;
  const memory = new OAuthMemory({ redirectUrl, clientName: `${sdk.id} of the tests` });
  const person = { principal_kind: 'user', principal_name: email.toLowerCase(), principal_issuer: context.target.publicUrl };
  const fetch = context.ledger.fetch({ ...person, client_name: sdk.clientName, server: slug, ...event });
  const options = { url: serverUrl(context, slug), fetch, oauth: memory };
  await sdk.authorize(options, signIn, email);
  const client = await sdk.connect(options);
  return { client, memory, fetch, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() };
}

/** A call without an SDK, to see the answer as it is. */
export function rawCall(context: SuiteContext, slug: string, token: string, text = 'x'): Promise<Response> {
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo', arguments: { text } } };
  return fetch(serverUrl(context, slug), {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify(message),
  });
}

const sdks = Object.values(SDKS).map((sdk) => [sdk.id, sdk] as const);

/** OAuth with the SDKs' own code, and who may use what. */
export function signInSuite(context: GetContext): void {
  describe('people', () => {
    it.each(sdks)('O-1 %s: discovers, registers, signs in, calls, and refreshes', async (_id, sdk) => {
      await using person = await signInAt(context(), {
        sdk,
        slug: 'demo',
        email: OUTSIDER,
        event: { upstream: 'everything', outcome: 'ok' },
      });
      const { client, memory } = person;
      expect(await client.callTool('echo', { message: 'in' })).toBe('Echo: in');
      memory.spoilAccessToken();
      expect(await client.callTool('echo', { message: 'again' })).toBe('Echo: again');
      const [first, second] = memory.issued;
      expect(memory.issued).toHaveLength(2);
      expect(second?.access_token).not.toBe(first?.access_token);
      expect(second?.refresh_token).not.toBe(first?.refresh_token);
    });

    it('O-2 a token for one server is refused at another', async () => {
      await using person = await signInAt(context(), { sdk: SDKS.v2, slug: 'vault', email: EDITOR });
      const response = await rawCall(context(), 'team', person.memory.tokens()?.access_token ?? '');
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toMatch(/error="invalid_token".*\/mcp\/team"/);
      expect(await response.json()).toMatchObject({ error: { data: { reason: 'token_wrong_audience' } } });
    });

    it('O-3 SDK v2: a tool that a scope stands guard over has the person asked for just that, and the call goes on', async () => {
      const event = { upstream: 'ledger', outcome: 'ok' };
      await using person = await signInAt(context(), { sdk: SDKS.v2, slug: 'team', email: EDITOR, event });
      const { memory, fetch } = person;
      expect(memory.issued.at(-1)?.scope).toBe('mcp');
      const asked: string[] = [];
      const signIn: SignIn = async (url, email) => {
        asked.push(url.searchParams.get('scope') ?? '');
        return signInWithForms(url, email);
      };
      const call = { name: 'slow', arguments: { steps: 1 } };
      const options = { url: serverUrl(context(), 'team'), fetch, oauth: memory };
      expect(await callSteppingUp(options, call, signIn, EDITOR)).toBe('done');
      // It adds what it had, and what keeps it connected.
      expect(asked).toEqual([expect.stringMatching(/^mcp mcp:team:slowness( |$)/)]);
      expect(memory.issued.at(-1)?.scope).toBe('mcp mcp:team:slowness');
    });

    it.each(sdks)('A-1 %s: somebody without access is denied, and the upstream hears nothing', async (_id, sdk) => {
      const { target } = context();
      const text = randomUUID();
      const event = { type: 'policy.denied', outcome: 'denied', reason: 'policy_denied', upstream: 'ledger' };
      await using person = await signInAt(context(), { sdk, slug: 'team', email: OUTSIDER, event });
      expect(await person.client.toolNames()).toEqual([]);
      await expect(person.client.callTool('echo', { text })).rejects.toMatchObject({
        code: 10403,
        data: { reason: 'policy_denied' },
      });
      expect(receivedWith(target.upstreams.ledger, text)).toEqual([]);
    });

    it.each(sdks)('A-2 %s: a member of the team is let in, however the address is written', async (_id, sdk) => {
      const { target } = context();
      const text = randomUUID();
      const event = { upstream: 'ledger', outcome: 'ok', http_status: 200 };
      await using person = await signInAt(context(), { sdk, slug: 'team', email: EDITOR.toUpperCase(), event });
      expect(await person.client.toolNames()).toEqual(['echo', 'fail', 'slow']);
      expect(await person.client.callTool('echo', { text })).toBe(`ledger: ${text}`);
      const [received, ...more] = target.upstreams.ledger.received.filter(({ body }) => body.includes(text));
      expect(more).toEqual([]);
      // The client's token ends at the gateway (MCP, "Token Passthrough").
      expect(received?.headers.authorization).toBeUndefined();
    });
  });
}
