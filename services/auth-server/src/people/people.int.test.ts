import { createdKey, peopleList, sessionList, type SessionView } from '@switchyard/contracts';
import { type Clock, systemClock } from '@switchyard/runtime';
import { eventually } from '@switchyard/testing';
import { claimsOf, deadTokens } from '../fixtures/dead-tokens.js';
import { startServers, type RunningServers } from '../fixtures/running-server.js';
import { STATE_PROFILES, type OpenStates } from '../fixtures/states.contract.js';
import { shown, TestBrowser } from '../fixtures/test-browser.js';
import { TestClient, type JsonAnswer } from '../fixtures/test-client.js';

describe.each(STATE_PROFILES)('what people have signed in to: %s', (_id, open) => {
  let states: OpenStates;
  let servers: RunningServers;
  let client: TestClient;
  let adminKey: string;
  let auditorKey: string;
  let dead: Awaited<ReturnType<typeof deadTokens>>;
  let last = 0;
  let skippedMs = 0;
  // Grants are as old as the machine's clock says.
  const clock: Clock = { ...systemClock, now: () => Date.now() + skippedMs };

  beforeAll(async () => {
    states = await open();
    servers = await startServers({ states: states.states, clock, dir: states.dir });
    client = new TestClient(servers.publicUrl, servers.urls);
    await client.register({ client_name: 'Editor' });
    dead = await deadTokens(states.states[0]!);
    adminKey = servers.adminKeys[0] ?? '';
    const body = JSON.stringify({ name: 'auditor', roles: ['auditor'] });
    const created = await api('POST', 'keys', adminKey, body);
    auditorKey = createdKey.parse(created.json).key;
    // Every replica has to have heard of the keys.
    for (const key of [adminKey, auditorKey])
      for (const url of servers.urls)
        await eventually(async () =>
          expect((await api('GET', 'people', key, undefined, new TestClient(servers.publicUrl, [url]))).status).toBe(200),
        );
  }, 300_000);
  afterAll(async () => {
    await dead.close();
    await servers.close();
    await states[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    skippedMs = 0;
    servers.events.length = 0;
  });

  const api = (method: string, path: string, bearer?: string, body?: string, through = client): Promise<JsonAnswer> =>
    through.fetch(`/api/v1/${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }) },
      ...(body === undefined ? {} : { body }),
    });
  const newcomer = () => `person-${(last += 1)}@example.com`;
  const tokensOf = async (email: string, slug?: string) => {
    const resource = `${servers.publicUrl}${slug === undefined ? '/api' : `/mcp/${slug}`}`;
    return (await client.redeem(await client.obtainCode({ resource }, email))).json;
  };
  const own = async (email: string) => String((await tokensOf(email))['access_token']);
  const grantOf = (json: Record<string, unknown>) => String(claimsOf(json['access_token'])['sy_grant']);
  const mine = async (token: string): Promise<SessionView[]> =>
    sessionList.parse((await api('GET', 'me/sessions', token)).json).sessions;
  const refresh = (json: Record<string, unknown>) => client.refresh(String(json['refresh_token']));

  describe('one’s own', () => {
    it('PP-1 are listed with client, server, and when they were last used, and nobody else’s', async () => {
      const [me, other] = [newcomer(), newcomer()];
      const work = await tokensOf(me, 'work');
      await tokensOf(other, 'work');
      const token = await own(me);
      const sessions = await mine(token);
      expect(sessions.map(({ server, resource, current }) => [server, resource, current])).toEqual(
        expect.arrayContaining([
          ['work', `${servers.publicUrl}/mcp/work`, false],
          [undefined, `${servers.publicUrl}/api`, true],
        ]),
      );
      expect(sessions).toHaveLength(2);
      expect(sessions.map(({ client: { id, name } }) => [id, name])).toEqual([
        [client.clientId, 'Editor'],
        [client.clientId, 'Editor'],
      ]);
      const before = sessions.find(({ id }) => id === grantOf(work));
      skippedMs = 120_000;
      await refresh(work);
      const after = (await mine(token)).find(({ id }) => id === grantOf(work));
      expect(after?.created_at).toBe(before?.created_at);
      expect(Date.parse(after?.last_used_at ?? '') - Date.parse(before?.last_used_at ?? '')).toBeGreaterThanOrEqual(119_000);
    });

    it('PP-2 end one by one: its tokens are dead, others go on, and it is not listed any more', async () => {
      const me = newcomer();
      const [work, other] = [await tokensOf(me, 'work'), await tokensOf(me, 'open')];
      const token = await own(me);
      servers.events.length = 0;
      expect((await api('DELETE', `me/sessions/${grantOf(work)}`, token)).status).toBe(204);
      expect(await Promise.all([work, other].map((json) => dead.has(json['access_token'])))).toEqual([true, false]);
      expect([(await refresh(work)).status, (await refresh(other)).status]).toEqual([400, 200]);
      expect((await mine(token)).map(({ id }) => id)).not.toContain(grantOf(work));
      expect(servers.events.find(({ type }) => type === 'auth.grant_revoked')).toMatchObject({
        ...{ outcome: 'ok', reason: 'revoked_by_person', principal_name: me, client_id: client.clientId },
        detail: { grant: grantOf(work) },
      });
      expect((await api('DELETE', `me/sessions/${grantOf(work)}`, token)).status).toBe(404);
    });

    it('PP-3 of others cannot be ended, and are as unknown as none', async () => {
      const [me, other] = [newcomer(), newcomer()];
      const theirs = await tokensOf(other, 'work');
      const token = await own(me);
      const answers = [
        await api('DELETE', `me/sessions/${grantOf(theirs)}`, token),
        await api('DELETE', 'me/sessions/none', token),
      ];
      expect(answers.map(({ status, json }) => [status, json['reason']])).toEqual([
        [404, 'not_found'],
        [404, 'not_found'],
      ]);
      expect((await refresh(theirs)).status).toBe(200);
    });

    it('PP-4 end everywhere: this one too, and what others have goes on', async () => {
      const [me, other] = [newcomer(), newcomer()];
      const [work, theirs] = [await tokensOf(me, 'work'), await tokensOf(other, 'work')];
      const token = await own(me);
      servers.events.length = 0;
      expect((await api('POST', 'me/sign-out-everywhere', token)).status).toBe(204);
      expect(await Promise.all([work, theirs].map((json) => dead.has(json['access_token'])))).toEqual([true, false]);
      expect([(await refresh(work)).status, (await refresh(theirs)).status]).toEqual([400, 200]);
      for (const _replica of servers.urls) expect((await api('GET', 'me/sessions', token)).status).toBe(401);
      expect(servers.events.find(({ type }) => type === 'auth.signed_out')).toMatchObject({
        ...{ outcome: 'ok', reason: 'signed_out_everywhere', principal_name: me },
      });
    });

    it('PP-5 what a client ends by itself is not listed any more', async () => {
      const me = newcomer();
      const work = await tokensOf(me, 'work');
      const body = new URLSearchParams({ client_id: client.clientId, token: String(work['refresh_token']) });
      expect((await client.fetch('/oauth/revoke', { method: 'POST', body })).status).toBe(200);
      expect((await mine(await own(me))).map(({ id }) => id)).not.toContain(grantOf(work));
    });

    it.each<[id: string, bearer: () => Promise<string | undefined>, error: string]>([
      ['PP-6 nothing', async () => undefined, ''],
      ['PP-7 nonsense', async () => 'nonsense', 'error="invalid_token", '],
      ['PP-8 an API key', async () => adminKey, 'error="invalid_token", '],
      [
        'PP-9 a token for an MCP server',
        async () => String((await tokensOf(newcomer(), 'work'))['access_token']),
        'error="invalid_token", ',
      ],
      ['PP-10 a token whose session was ended', () => endedToken(), 'error="invalid_token", '],
    ])('%s does not open it: 401, and where to sign in', async (_row, bearer, error) => {
      const answer = await api('GET', 'me/sessions', await bearer());
      expect([answer.status, answer.json['reason']]).toEqual([401, 'unauthenticated']);
      const metadata = `${servers.publicUrl}/.well-known/oauth-protected-resource/api`;
      expect(answer.headers.get('www-authenticate')).toBe(`Bearer ${error}resource_metadata="${metadata}"`);
      expect(servers.events.at(-1)).toMatchObject({ type: 'auth.rejected', reason: 'unauthenticated', http_status: 401 });
    });

    const endedToken = async () => {
      const token = await own(newcomer());
      const [session] = await mine(token);
      expect((await api('DELETE', `me/sessions/${session?.id ?? ''}`, token)).status).toBe(204);
      return token;
    };

    it('PP-11 people are told what a client wants that asks for this API', async () => {
      const browser = new TestBrowser(servers.publicUrl, servers.urls);
      const { url } = client.authorizationUrl({ resource: `${servers.publicUrl}/api` });
      const page = shown(await browser.submit(shown(await browser.open(url)), { email: newcomer(), do: 'sign-in' }));
      expect(page.text).toContain('see what you have signed in to here, and sign you out');
      expect(page.text).not.toContain('every server');
    });
  });

  describe('administrators', () => {
    const subjectOf = (json: Record<string, unknown>) => String(claimsOf(json['access_token'])['sub']);

    it('PP-20 and auditors see who has signed in, page by page, and what for', async () => {
      const me = newcomer();
      const work = await tokensOf(me, 'work');
      const everybody: unknown[] = [];
      let after: string | undefined;
      do {
        const tail = after === undefined ? '' : `&after=${after}`;
        const page = peopleList.parse((await api('GET', `people?limit=2${tail}`, auditorKey)).json);
        expect(page.people.length).toBeLessThanOrEqual(2);
        everybody.push(...page.people);
        after = page.next;
      } while (after !== undefined);
      expect(everybody).toContainEqual({ id: subjectOf(work), name: me, email: me });
      expect(new Set(everybody.map((person) => (person as { id: string }).id)).size).toBe(everybody.length);
      const { sessions } = sessionList.parse((await api('GET', `people/${subjectOf(work)}/sessions`, auditorKey)).json);
      expect(sessions.map(({ id, server, current }) => [id, server, current])).toEqual([[grantOf(work), 'work', false]]);
    });

    it.each([
      ['DELETE', 'sessions/x'],
      ['POST', 'sign-out-everywhere'],
      ['POST', 'disable'],
      ['POST', 'enable'],
    ])('PP-21 only they may change anything: %s %s', async (method, tail) => {
      const work = await tokensOf(newcomer(), 'work');
      expect((await api(method, `people/${subjectOf(work)}/${tail}`, auditorKey)).status).toBe(403);
      expect((await api(method, `people/${subjectOf(work)}/${tail}`, await own(newcomer()))).status).toBe(401);
      expect((await api(method, `people/usr_nobody/${tail}`, adminKey)).status).toBe(404);
      expect((await refresh(work)).status).toBe(200);
    });

    it('PP-22 end one session of somebody, or all', async () => {
      const me = newcomer();
      const [one, two, three] = [await tokensOf(me, 'work'), await tokensOf(me, 'work'), await tokensOf(me, 'open')];
      const person = subjectOf(one);
      servers.events.length = 0;
      expect((await api('DELETE', `people/${person}/sessions/${grantOf(one)}`, adminKey)).status).toBe(204);
      expect(await Promise.all([one, two, three].map((json) => dead.has(json['access_token'])))).toEqual([true, false, false]);
      expect((await api('POST', `people/${person}/sign-out-everywhere`, adminKey)).status).toBe(204);
      expect(await Promise.all([one, two, three].map((json) => dead.has(json['access_token'])))).toEqual([true, true, true]);
      expect((await refresh(two)).status).toBe(400);
      expect(
        servers.events
          .filter(({ outcome }) => outcome === 'ok')
          .map(({ type, reason, detail }) => [type, reason, detail?.['person']]),
      ).toEqual([
        ['auth.grant_revoked', 'revoked_by_admin', person],
        ['auth.signed_out', 'revoked_by_admin', person],
      ]);
    });

    it('A19: PP-23 keep somebody out, who loses everything at once and cannot come back until they are let in again', async () => {
      const me = newcomer();
      const work = await tokensOf(me, 'work');
      const person = subjectOf(work);
      const code = await client.obtainCode({}, me);
      servers.events.length = 0;
      expect((await api('POST', `people/${person}/disable`, adminKey)).status).toBe(204);
      expect(await dead.has(work['access_token'])).toBe(true);
      expect([(await refresh(work)).status, (await client.redeem(code)).status]).toEqual([400, 400]);
      const browser = new TestBrowser(servers.publicUrl, servers.urls);
      const signIn = shown(await browser.open(client.authorizationUrl().url));
      const page = shown(await browser.submit(signIn, { email: me, do: 'sign-in' }));
      expect([page.status, page.text]).toEqual([403, expect.stringContaining('You have no access here') as string]);
      expect(servers.events.map(({ type, reason }) => [type, reason ?? ''])).toEqual([
        ['auth.person_disabled', ''],
        ['auth.rejected', 'invalid_grant'],
        ['auth.rejected', 'invalid_grant'],
        ['auth.rejected', 'person_disabled'],
      ]);
      const listed = peopleList.parse((await api('GET', 'people?limit=500', adminKey)).json).people;
      expect(listed.find(({ id }) => id === person)?.disabled_at).toBeDefined();

      expect((await api('POST', `people/${person}/enable`, adminKey)).status).toBe(204);
      // What was granted in the second of their end is as dead as what was granted before.
      const endedAtMs = Date.now();
      await eventually(() => Math.floor(Date.now() / 1000) > endedAtMs / 1000);
      const anew = await tokensOf(me, 'work');
      expect(await dead.has(anew['access_token'])).toBe(false);
      expect((await refresh(work)).status).toBe(400);
    });
  });
});
