import { revocableToken, Revocations } from '@switchyard/api-keys';
import { DEFAULT_TENANT } from '@switchyard/contracts';
import { systemClock } from '@switchyard/runtime';
import { eventually } from '@switchyard/testing';
import { publishServers, startServers, type RunningServers } from './fixtures/running-server.js';
import { STATE_PROFILES, type OpenStates } from './fixtures/states.contract.js';
import { TestClient } from './fixtures/test-client.js';

type Json = Record<string, unknown>;
const claimsOf = (token: unknown) => JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString()) as Json;

describe.each(STATE_PROFILES)('apps that have registered themselves are deleted: %s', (_id, open) => {
  let states: OpenStates;
  let servers: RunningServers;
  let client: TestClient;

  beforeEach(async () => {
    states = await open();
    servers = await startServers({
      states: states.states,
      dir: states.dir,
      clock: systemClock,
      env: { SECRET: 'a-secret-of-more-than-thirty-two-characters' },
    });
    client = new TestClient(servers.publicUrl, servers.urls);
    await client.register();
  });
  afterEach(async () => {
    await servers.close();
    await states[Symbol.asyncDispose]();
  });

  const remove = (id: string, key = servers.adminKeys[0] ?? '') =>
    client.fetch(`/api/v1/clients/${id}`, { method: 'DELETE', headers: { authorization: `Bearer ${key}` } });

  it('DC-1 nothing that it was given is good any more, also where it comes back under the same id', async () => {
    const tokens = (await client.redeem(await client.obtainCode())).json;
    const waiting = await client.obtainCode();
    expect((await remove(client.clientId)).status).toBe(204);
    expect((await client.refresh(String(tokens['refresh_token']))).json).toMatchObject({ error: 'invalid_client' });

    // Edges hear of it, for what was granted until then.
    const revocations = await Revocations.open(states.states[0]!, DEFAULT_TENANT, () => undefined);
    const { jti, sub, sy_grant: grantId, sy_granted_at: grantedAt } = claimsOf(tokens['access_token']);
    const token = { tokenId: String(jti), subject: String(sub), grantId: String(grantId), clientId: client.clientId };
    expect(revocations.covers(revocableToken({ ...token, grantedAtMs: Number(grantedAt) * 1000 }))).toBe(true);
    await revocations.close();

    const id = client.clientId;
    await client.register();
    expect(client.clientId).toBe(id);
    expect((await client.refresh(String(tokens['refresh_token']))).json).toMatchObject({ error: 'invalid_grant' });
    expect((await client.redeem(waiting)).json).toMatchObject({ error: 'invalid_grant' });
    // What began in another second than the one in which it ended is new.
    await eventually(async () => {
      const again = await client.redeem(await client.obtainCode());
      return again.status === 200 && (await client.refresh(String(again.json['refresh_token']))).status === 200;
    });
  }, 300_000);

  it('DC-2 it is recorded, with who did it; there is nothing to delete twice', async () => {
    expect((await remove(client.clientId)).status).toBe(204);
    expect(servers.events.filter(({ type }) => type === 'auth.client_deleted')).toEqual([
      expect.objectContaining({
        ...{ outcome: 'ok', reason: 'revoked_by_admin', principal_kind: 'service', http_status: 204 },
        detail: { client: client.clientId, client_name: 'Test client' },
      }),
    ]);
    expect((await remove(client.clientId)).status).toBe(404);
    expect((await remove('never-registered')).status).toBe(404);
  });

  it('DC-3 not those of the configuration, and by nobody without the role', async () => {
    const app = { clientId: 'reports', title: 'Reports', redirectUris: ['https://r.example/cb'], clientSecret: '${env:SECRET}' };
    for (const state of states.states.slice(0, 1)) await publishServers(state, ['work', 'open'], [], [], [app]);
    const refused = await eventually(async () => {
      const answers = [await remove('reports'), await remove('reports')];
      return answers.every(({ status }) => status === 409) && answers;
    });
    expect(refused[0]?.json).toMatchObject({ reason: 'client_configured' });
    expect((await remove(client.clientId, 'sy_x')).status).toBe(401);
    const tokens = (await client.redeem(await client.obtainCode())).json;
    expect((await client.refresh(String(tokens['refresh_token']))).status).toBe(200);
  });
});
