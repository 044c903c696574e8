import { encodeRevoked, revocableName } from '@switchyard/api-keys';
import { BUCKETS, connectionChangeKey, connectionList, DEFAULT_TENANT, type ConnectionInfo } from '@switchyard/contracts';
import { eventually } from '@switchyard/testing';
import { ANA, BEN, type Person } from './front.fixture.js';
import { shown, startPersonal, UPSTREAM, type PersonalRig } from './personal.fixture.js';

describe('people’s connections over the API', () => {
  let p: PersonalRig;
  beforeEach(async () => {
    p = await startPersonal();
    await p.rig.apply([
      { upstream: UPSTREAM, kind: 'oauth', settings: { url: p.upstream.url } },
      {
        ...{ upstream: 'wiki', kind: 'user-key' },
        settings: { url: 'https://wiki.example/mcp', name: 'X-Key', format: '{key}', label: 'Key' },
      },
    ]);
    await p.front.publish(p.rig.platform.state, [UPSTREAM, 'wiki']);
    for (const person of [ANA, BEN]) {
      p.front.who = person;
      const browser = p.browser();
      await p.connect(browser);
      const form = shown(await browser.open('/connect/wiki'));
      shown(await browser.submit(form, { key: 'canary-key', do: 'connect' }));
    }
    p.front.who = ANA;
    await p.connect(p.browser(), 'at home');
  });
  afterEach(() => p[Symbol.asyncDispose]());

  const of = ({ subject }: Person) => `/api/v1/people/${subject}/connections`;
  const listed = async (response: Promise<Response>): Promise<ConnectionInfo[]> => {
    const answer = await response;
    expect(answer.status).toBe(200);
    return connectionList.parse(await answer.json()).connections;
  };
  const named = (all: readonly ConnectionInfo[]) => all.map(({ upstream, label }) => `${upstream} ${label}`);
  const mine = (method: string, route: string, person: Person, over: object = {}) => {
    const claims = { aud: `${p.front.publicUrl}/api`, scope: 'account', ...over };
    return p.rig.api(method, `/api/v1/me/connections${route}`, undefined, p.front.token(person, claims));
  };
  const told = async (upstream: string, { subject }: Person) => {
    const kv = await p.rig.platform.state.bucket(BUCKETS.connectionChanges, DEFAULT_TENANT);
    const entry = await kv.get(connectionChangeKey(upstream, { issuer: p.front.publicUrl, subject }));
    return JSON.parse(Buffer.from(entry?.value ?? '{}').toString()) as object;
  };

  it('CO-1 an administrator sees them, and nothing of what they hold', async () => {
    const all = await listed(p.rig.api('GET', of(ANA)));
    expect(named(all)).toEqual(['tracker default', 'tracker at home', 'wiki default']);
    expect(all[0]).toMatchObject({
      default: true,
      state: 'connected',
      at: new URL(p.upstream.issuer).host,
      scopes: ['read', 'write'],
    });
    expect(all[2]).toMatchObject({ at: 'wiki.example', scopes: [] });
    expect(JSON.stringify(all)).not.toMatch(/canary|Bearer|access|refresh_token/);
    expect(await listed(p.rig.api('GET', of({ subject: 'nobody', email: '' })))).toEqual([]);
  });

  it('CO-2 ends one: its owner is asked again at once, edges and the upstream are told, others keep theirs', async () => {
    const [first] = await listed(p.rig.api('GET', of(ANA)));
    expect((await p.rig.api('DELETE', `${of(ANA)}/${first?.id}`)).status).toBe(204);
    expect(named(await listed(p.rig.api('GET', of(ANA))))).toEqual(['tracker at home', 'wiki default']);
    expect(await told(UPSTREAM, ANA)).toEqual({ state: 'disconnected', version: '' });
    await eventually(() => p.upstream.revoked.length === 1);
    const event = (await p.rig.events('connection.changed', 8)).at(-1);
    expect(event).toMatchObject({
      ...{
        outcome: 'ok',
        reason: 'revoked_by_admin',
        upstream: UPSTREAM,
        principal_name: 'admin-key',
        principal_kind: 'service',
      },
      detail: { change: 'disconnected', label: 'default', person: ANA.subject },
    });
    // The other one takes its place.
    expect(await p.lease(ANA)).toHaveProperty('token');
    expect((await p.rig.api('DELETE', `${of(ANA)}/${first?.id}`)).status).toBe(404);
    expect((await p.rig.api('DELETE', `${of(BEN)}/made-up`)).status).toBe(404);
  });

  it('CO-3 ends all of one person, and none of another', async () => {
    expect((await p.rig.api('DELETE', of(ANA))).status).toBe(204);
    expect(await listed(p.rig.api('GET', of(ANA)))).toEqual([]);
    expect(await p.lease(ANA)).toMatchObject({ reason: 'connection_required' });
    expect([await told(UPSTREAM, ANA), await told('wiki', ANA)]).toEqual(
      [1, 2].map(() => ({ state: 'disconnected', version: '' })),
    );
    expect(named(await listed(p.rig.api('GET', of(BEN))))).toEqual(['tracker default', 'wiki default']);
    expect(await p.lease(BEN)).toHaveProperty('token');
    expect((await p.rig.api('DELETE', of(ANA))).status).toBe(204);
  });

  it('CO-4 people see and end their own, and nobody else’s', async () => {
    const [first] = await listed(mine('GET', '', BEN));
    expect((await mine('DELETE', `/${(await listed(mine('GET', '', ANA)))[1]?.id}`, BEN)).status).toBe(404);
    expect((await mine('DELETE', `/${first?.id}`, BEN)).status).toBe(204);
    expect(named(await listed(mine('GET', '', BEN)))).toEqual(['wiki default']);
    expect(named(await listed(mine('GET', '', ANA)))).toHaveLength(3);
    const event = (await p.rig.events('connection.changed', 8)).at(-1);
    expect(event).toMatchObject({ reason: 'revoked_by_person', principal_subject: BEN.subject, client_id: 'client' });
  });

  const strangers: readonly [id: string, ask: () => Promise<Response>, status: number][] = [
    ['CO-5 an auditor sees', () => p.rig.api('GET', of(ANA), undefined, p.rig.keys.auditor), 200],
    ['CO-6 and ends nothing', () => p.rig.api('DELETE', of(ANA), undefined, p.rig.keys.auditor), 403],
    ['CO-7 nobody without a key', () => p.rig.api('GET', of(ANA), undefined, 'sy_x'), 401],
    ['CO-8 no token for a server', () => mine('GET', '', ANA, { aud: `${p.front.publicUrl}/mcp/work` }), 401],
    ['CO-9 no token without the scope', () => mine('GET', '', ANA, { scope: 'mcp' }), 401],
    [
      'CO-10 no token of a person for an administrator’s route',
      () => p.rig.api('GET', of(ANA), undefined, p.front.token(ANA)),
      401,
    ],
  ];
  it.each(strangers)('%s', async (_id, ask, status) => {
    expect((await ask()).status).toBe(status);
    expect(named(await listed(p.rig.api('GET', of(ANA))))).toHaveLength(3);
  });

  it('CO-11 whoever is kept out proves nothing any more: no lease, no page, no API; signing in later does', async () => {
    const browser = p.browser();
    shown(await browser.open(`/connect/${UPSTREAM}`));
    const before = { sy_granted_at: Math.floor(Date.now() / 1000) - 10 };
    const authorization = (claims: object) => ({ authorization: `Bearer ${p.front.token(ANA, { ...claims })}` });
    expect(await p.lease(ANA, authorization(before))).toHaveProperty('token');
    const grantedUntilMs = Date.now();
    const kv = await p.rig.platform.state.bucket(BUCKETS.revocations, DEFAULT_TENANT);
    const person = { kind: 'person', id: ANA.subject, grantedUntilMs } as const;
    await kv.put(revocableName('person', ANA.subject), encodeRevoked(person), { ttlMs: 60_000 });
    await eventually(async () => 'reason' in (await p.lease(ANA, authorization(before))));
    expect(await p.lease(ANA, authorization(before))).toMatchObject({ reason: 'caller_unproven' });
    const event = (await p.rig.events('connection.leased', 2)).at(-1);
    expect(event).toMatchObject({ outcome: 'denied', detail: { cause: 'token_revoked' } });
    expect((await mine('GET', '', ANA, before)).status).toBe(401);
    // Another sits there by now: the browser’s old session counts for nothing.
    p.front.who = BEN;
    expect(shown(await browser.open(`/connect/${UPSTREAM}`)).text).toContain(BEN.email);
    const after = { sy_granted_at: Math.ceil(Date.now() / 1000) + 1 };
    expect(await p.lease(ANA, authorization(after))).toHaveProperty('token');
    expect(await p.lease(BEN)).toHaveProperty('token');
  });
});
