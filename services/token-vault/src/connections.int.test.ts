import { BUCKETS, connectionChangeKey, DEFAULT_TENANT } from '@switchyard/contracts';
import { eventually } from '@switchyard/testing';
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

  it('V10 forgets what its owner disconnects, tells edges, and the upstream again and again until it has heard', async () => {
    const browser = p.browser();
    await p.connect(browser);
    p.upstream.revocationStatus = 503;
    const page = shown(await browser.open(`/connect/${UPSTREAM}`));
    shown(await browser.submit(page, { label: 'default', do: 'disconnect' }));
    expect(await p.lease(ANA)).toMatchObject({ reason: 'connection_required' });
    const kv = await p.rig.platform.state.bucket(BUCKETS.connectionChanges, DEFAULT_TENANT);
    const told = await kv.get(connectionChangeKey(UPSTREAM, { issuer: p.front.publicUrl, subject: ANA.subject }));
    expect(JSON.parse(Buffer.from(told?.value ?? []).toString())).toEqual({ state: 'disconnected', version: '' });
    const events = await p.rig.events('connection.changed', 2);
    expect(events.map(({ detail }) => detail?.['change'])).toEqual(expect.arrayContaining(['connected', 'disconnected']));
    const connecting = await p.rig.platform.state.bucket(BUCKETS.connecting, DEFAULT_TENANT);
    expect(await connecting.keys('revoke ')).toHaveLength(1);
    expect(p.upstream.revoked).toEqual([]);
    p.upstream.revocationStatus = 200;
    await eventually(() => p.upstream.revoked.length === 0 || true);
  });
});
