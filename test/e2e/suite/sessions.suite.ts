import { eventually, expectWithin } from '@switchyard/testing';
import { createHash, randomBytes } from 'node:crypto';
import { AdminApi } from '../admin-api.js';
import { signInWithForms } from '../clients/sign-in.js';
import type { GetContext } from './context.js';
import { rawCall } from './sign-in.suite.js';

const REDIRECT_URL = 'http://127.0.0.1:33418/callback';
const EMAIL = 'sessions@example.com';

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

/** What people have signed in to, and what ends it, at the public URL and at the edges. */
export function sessionsSuite(context: GetContext): void {
  describe('sessions of people', () => {
    let clientId: string;

    const at = (path: string) => new URL(path, context().target.publicUrl);
    const post = (path: string, body: Record<string, string>) =>
      fetch(at(path), { method: 'POST', body: new URLSearchParams(body) });

    beforeAll(async () => {
      const metadata = { client_name: 'Sessions', redirect_uris: [REDIRECT_URL], token_endpoint_auth_method: 'none' };
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(metadata) };
      ({ client_id: clientId } = (await (await fetch(at('/oauth/register'), init)).json()) as { client_id: string });
    });

    async function signIn(resource: string): Promise<Tokens> {
      const verifier = randomBytes(32).toString('base64url');
      const url = at('/oauth/authorize');
      url.search = new URLSearchParams({
        ...{ response_type: 'code', client_id: clientId, redirect_uri: REDIRECT_URL, resource: at(resource).href, state: 's' },
        ...{ code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256' },
      }).toString();
      const code = (await signInWithForms(url, EMAIL)).searchParams.get('code') ?? '';
      const redeemed = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: REDIRECT_URL };
      return (await (await post('/oauth/token', { client_id: clientId, ...redeemed })).json()) as Tokens;
    }

    /** Let in, and then refused for want of a session. */
    const isLetIn = async (token: string) => (await rawCall(context(), 'demo', token)).status === 400;

    /** @param end ends what a token was issued under @returns how long it was still let in, from then on, milliseconds */
    async function enforcedMs(token: string, end: () => Promise<Response | { readonly status: number }>, status: number) {
      expect(await isLetIn(token)).toBe(true);
      expect((await end()).status).toBe(status);
      const endedAt = performance.now();
      await eventually(async () => (await rawCall(context(), 'demo', token)).status === 401, { everyMs: 5 });
      return performance.now() - endedAt;
    }

    it('SE-1 A20: an access token that its client revokes is refused within a second, and so is what dies with a refresh token', async () => {
      await expectWithin(1_000, async () => {
        const { access_token: token } = await signIn('/mcp/demo');
        return enforcedMs(token, () => post('/oauth/revoke', { client_id: clientId, token }), 200);
      });
      await expectWithin(1_000, async () => {
        const tokens = await signIn('/mcp/demo');
        const revoked = { client_id: clientId, token: tokens.refresh_token };
        return enforcedMs(tokens.access_token, () => post('/oauth/revoke', revoked), 200);
      });
    });

    it('SE-2 people find out where to sign in to see their sessions, see them, and end them', async () => {
      const asked = await fetch(at('/api/v1/me/sessions'));
      const metadataUrl = /resource_metadata="([^"]+)"/.exec(asked.headers.get('www-authenticate') ?? '')?.[1] ?? '';
      expect(asked.status).toBe(401);
      const metadata = (await (await fetch(metadataUrl)).json()) as { resource: string };
      expect(metadata).toMatchObject({ resource: at('/api').href, scopes_supported: ['account'] });
      const me = new AdminApi(context().target.publicUrl, (await signIn('/api')).access_token);
      await expectWithin(1_000, async () => {
        const { access_token: token } = await signIn('/mcp/demo');
        const listed = (await me.get('/api/v1/me/sessions')).json['sessions'] as {
          id: string;
          server?: string;
          client: object;
        }[];
        const [newest] = listed.filter(({ server }) => server === 'demo');
        expect(newest?.client).toEqual({ id: clientId, name: 'Sessions' });
        return enforcedMs(token, () => me.request('DELETE', `/api/v1/me/sessions/${newest?.id ?? ''}`), 204);
      });
    });

    it('SE-3 A19: administrators keep somebody out, at once and everywhere, and let them in again', async () => {
      const { admin } = context();
      let { access_token: token } = await signIn('/mcp/demo');
      const { sub } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sub: string };
      const people = (await admin.get('/api/v1/people?limit=500')).json['people'];
      expect(people).toContainEqual(expect.objectContaining({ id: sub, email: EMAIL }));
      const disable = () => admin.request('POST', `/api/v1/people/${sub}/disable`);
      await expectWithin(3_000, async () => {
        const tookMs = await enforcedMs(token, disable, 204);
        await expect(signInWithForms(at(`/oauth/authorize?${anew()}`), EMAIL)).rejects.toThrow('You have no access here');
        expect((await admin.request('POST', `/api/v1/people/${sub}/enable`)).status).toBe(204);
        if (tookMs > 3_000) ({ access_token: token } = await signIn('/mcp/demo'));
        return tookMs;
      });
    });

    const anew = () =>
      new URLSearchParams({
        ...{ response_type: 'code', client_id: clientId, redirect_uri: REDIRECT_URL, resource: at('/mcp/demo').href, state: 's' },
        ...{ code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' },
      }).toString();
  });
}
