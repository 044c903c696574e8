import { CONNECT_CLIENT } from '@switchyard/contracts';
import { SqliteState } from '@switchyard/state';
import { FakeClock, tempDir } from '@switchyard/testing';
import path from 'node:path';
import { startServers } from './fixtures/running-server.js';
import { shown, TestBrowser } from './fixtures/test-browser.js';
import { TestClient } from './fixtures/test-client.js';

const claimsOf = (jwt: unknown) =>
  JSON.parse(Buffer.from(String(jwt).split('.')[1] ?? '', 'base64url').toString('utf8')) as Record<string, unknown>;

describe("the gateway's own client", () => {
  it('signs people in without asking for consent, as the person that their MCP clients act for, and gets nothing that lasts', async () => {
    await using dir = await tempDir();
    const clock = new FakeClock(Date.now());
    const state = SqliteState.open(path.join(dir.path, 'state.sqlite'), { now: () => clock.now() });
    const servers = await startServers({ states: [state], clock, dir: dir.path });
    const client = new TestClient(servers.publicUrl, servers.urls);
    client.clientId = CONNECT_CLIENT.id;
    const redirectUri = `${servers.publicUrl}${CONNECT_CLIENT.redirectPath}`;
    const { url, verifier } = client.authorizationUrl({
      ...{ redirect_uri: redirectUri, scope: 'openid', nonce: 'nonce-1', resource: undefined },
    });
    const browser = new TestBrowser(servers.publicUrl, servers.urls);
    const signIn = shown(await browser.open(url));
    const back = new URL(shown(await browser.submit(signIn, { email: 'ana@example.com', do: 'sign-in' })).url);
    expect(`${back.origin}${back.pathname}`).toBe(redirectUri);
    expect(back.searchParams.get('iss')).toBe(servers.publicUrl);
    const answer = await client.redeem({ code: back.searchParams.get('code') ?? '', verifier, redirectUri });
    expect([answer.status, answer.json['refresh_token']]).toEqual([200, undefined]);
    const [id, access] = [claimsOf(answer.json['id_token']), claimsOf(answer.json['access_token'])];
    expect(id).toMatchObject({ iss: servers.publicUrl, aud: CONNECT_CLIENT.id, nonce: 'nonce-1' });
    expect(access).toMatchObject({ sub: id['sub'], email: 'ana@example.com' });

    // Whoever is signed in is not asked again; the answer goes nowhere else.
    const again = client.authorizationUrl({ redirect_uri: redirectUri, scope: 'openid', nonce: 'n', resource: undefined });
    expect(new URL(shown(await browser.open(again.url)).url).searchParams.has('code')).toBe(true);
    const elsewhere = client.authorizationUrl({ redirect_uri: `${servers.publicUrl}/connect/other`, scope: 'openid' });
    expect(shown(await browser.open(elsewhere.url)).status).toBe(400);
    await servers.close();
    await state.close();
  });
});
