import { BUCKETS, connectionChangeKey, DEFAULT_TENANT } from '@switchyard/contracts';
import { ANA, BEN } from './front.fixture.js';
import { shown, startPersonal, UPSTREAM, type PersonalRig } from './personal.fixture.js';

describe('people connect their own accounts', () => {
  let p: PersonalRig;
  beforeEach(async () => void (p = await startPersonal()));
  afterEach(() => p[Symbol.asyncDispose]());

  it('says where to connect, and leases each person their own token once they have', async () => {
    expect(await p.lease(ANA)).toMatchObject({
      reason: 'connection_required',
      connectUrl: `${p.front.publicUrl}/connect/tracker`,
    });
    const page = await p.connect(p.browser());
    expect(page).toMatchObject({ status: 200 });
    expect(page.text).toContain('tracker is connected');
    p.front.who = BEN;
    p.upstream.account = 'ben@upstream';
    await p.connect(p.browser());
    const [ana, ben] = [await p.lease(ANA), await p.lease(BEN)];
    const whose = (outcome: object) => ('token' in outcome ? p.upstream.accountOf(String(outcome.token)) : outcome);
    expect([whose(ana), whose(ben)]).toEqual(['ana@upstream', 'ben@upstream']);
    // Registered once for everybody.
    expect(p.upstream.registrations).toBe(1);
    expect(p.upstream.lastAuthorization.get('resource')).toBe(p.upstream.url);
    expect(p.upstream.lastToken.get('resource')).toBe(p.upstream.url);
    expect(p.upstream.lastAuthorization.get('scope')).toBe('read write');
  });

  it('V10 forgets what its owner disconnects, tells edges, and keeps what the upstream is still to be told', async () => {
    const browser = p.browser();
    await p.connect(browser);
    p.upstream.revocationStatus = 503;
    const page = shown(await browser.open(`/connect/${UPSTREAM}`));
    shown(await browser.submit(page, { label: 'default', do: 'disconnect' }));
    expect(await p.lease(ANA)).toMatchObject({ reason: 'connection_required' });
    const kv = await p.rig.platform.state.bucket(BUCKETS.connectionChanges, DEFAULT_TENANT);
    const told = await kv.get(connectionChangeKey(UPSTREAM, { issuer: p.front.publicUrl, subject: ANA.subject }));
    expect(JSON.parse(Buffer.from(told?.value ?? []).toString())).toEqual({ state: 'disconnected', version: '' });
    const events = await p.rig.events('connection.changed', 3);
    expect(events.map(({ detail }) => detail?.['change'])).toEqual(expect.arrayContaining(['connected', 'disconnected']));
    const connecting = await p.rig.platform.state.bucket(BUCKETS.connecting, DEFAULT_TENANT);
    expect(await connecting.keys('revoke ')).toHaveLength(1);
    expect(p.upstream.revoked).toEqual([]);
  });

  it('keeps several connections of one person, one of which is used', async () => {
    const browser = p.browser();
    await p.connect(browser);
    p.upstream.account = 'ana@home';
    await p.connect(browser, 'home');
    const whose = async () => {
      const outcome = await p.lease(ANA);
      return 'token' in outcome ? p.upstream.accountOf(outcome.token) : outcome.reason;
    };
    expect(await whose()).toBe('ana@upstream');
    const press = async (label: string, what: string) =>
      shown(await browser.submit(shown(await browser.open(`/connect/${UPSTREAM}`)), { label, do: what }));
    await press('home', 'choose');
    expect(await whose()).toBe('ana@home');
    await press('home', 'disconnect');
    expect(await whose()).toBe('ana@upstream');
    const list = shown(await browser.open('/connect'));
    expect(list.text).toContain('tracker');
    await press('default', 'disconnect');
    expect(await whose()).toBe('connection_required');
  });

  it('asks for the union where the upstream wants more than was granted (step-up)', async () => {
    p.upstream.challenge = 'read';
    await p.connect(p.browser());
    expect(p.upstream.lastAuthorization.get('scope')).toBe('read');
    p.upstream.challenge = undefined;
    expect(await p.lease(ANA, { challengeScopes: ['admin'] })).toMatchObject({ reason: 'connection_required' });
    const page = shown(await p.browser().open(`/connect/${UPSTREAM}`));
    expect(page.text).toContain('<code>admin</code>');
    await p.connect(p.browser());
    expect(new Set(p.upstream.lastAuthorization.get('scope')?.split(' '))).toEqual(new Set(['read', 'write', 'admin']));
    expect(await p.lease(ANA, { challengeScopes: ['admin'] })).toHaveProperty('token');
  });

  const moved: readonly [id: string, move: (records: Map<string, Uint8Array>) => [from: string, to: string]][] = [
    ['V1 of another user', (records) => [keyLike(records, BEN.subject), keyLike(records, ANA.subject)]],
    ['V1 of another upstream', (records) => [keyLike(records, '"wiki"'), keyLike(records, ANA.subject)]],
    ['V1 of another connection', (records) => [keyLike(records, '"home"'), keyLike(records, ANA.subject)]],
    [
      'V1 the list in the place of a connection',
      (records) => [keyLike(records, ',""]', ANA.subject), keyLike(records, ANA.subject)],
    ],
  ];
  it.each(moved)('%s: a record in its place is found out, and never used', async (_id, move) => {
    await p.rig.apply(['tracker', 'wiki'].map((upstream) => ({ upstream, kind: 'oauth', settings: { url: p.upstream.url } })));
    await p.front.publish(p.rig.platform.state, ['tracker', 'wiki']);
    await p.connect(p.browser());
    await p.connect(p.browser(), 'home');
    await p.connect(p.browser(), 'default', 'wiki');
    p.front.who = BEN;
    await p.connect(p.browser());
    const kv = await p.rig.platform.state.bucket(BUCKETS.connections, DEFAULT_TENANT);
    const records = new Map<string, Uint8Array>();
    for (const key of await kv.keys()) records.set(key, (await kv.get(key))!.value);
    const [from, to] = move(records);
    await kv.put(to, records.get(from)!);
    expect(await p.lease(ANA)).toMatchObject({
      reason: 'connection_required',
      connectUrl: expect.stringContaining('/connect/') as string,
    });
    const denied = (await p.rig.events('connection.leased', 1)).at(-1);
    expect(denied).toMatchObject({ outcome: 'denied', severity: 'critical', detail: { cause: 'altered' } });
    expect(await p.lease(BEN)).toHaveProperty('token');
    // Frozen: also what stood there before opens nothing any more, until its owner connects again.
    expect(await p.lease(ANA)).toMatchObject({ reason: 'connection_required' });
    expect((await p.rig.events('connection.leased', 3)).at(-1)).toMatchObject({ severity: 'high', detail: { cause: 'frozen' } });
    await kv.put(to, records.get(to)!);
    expect(await p.lease(ANA)).not.toHaveProperty('token');
    p.front.who = ANA;
    await p.connect(p.browser());
    expect(await p.lease(ANA)).toHaveProperty('token');
  });

  it('V2 an older record that comes back is found out', async () => {
    await p.connect(p.browser());
    const kv = await p.rig.platform.state.bucket(BUCKETS.connections, DEFAULT_TENANT);
    const key = (await kv.keys()).find((one) => one.includes('"default"'))!;
    const old = (await kv.get(key))!.value;
    await p.connect(p.browser());
    await p.lease(ANA);
    await kv.put(key, old);
    expect(await p.lease(ANA)).toMatchObject({ reason: 'credential_unavailable' });
  });
});

/** Key of a record of somebody's connection `default` to the tracker, or of what else is asked for. */
function keyLike(records: ReadonlyMap<string, unknown>, part: string, besides = ''): string {
  const plain = part.startsWith('sub-') ? ',"tracker","default"]' : part;
  const key = [...records.keys()].find((one) => one.includes(part) && one.includes(plain) && one.includes(besides));
  if (key === undefined) throw new Error(`no record like ${part}`);
  return key;
}
