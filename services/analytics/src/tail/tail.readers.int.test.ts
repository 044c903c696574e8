import { encodeRevoked, revocableName } from '@switchyard/api-keys';
import { BUCKETS, DEFAULT_TENANT } from '@switchyard/contracts';
import { clickhouseUrl, eventually, startNats, type NatsServer } from '@switchyard/testing';
import { openAnalytics, type AnalyticsRig } from '../analytics.fixture.js';
import { startSignIn, type SignIn } from '../api/sign-in.fixture.js';
import { openTail, type SseClient } from './sse-client.fixture.js';

const teams = [{ name: 'finance', emails: ['ana@example.com', 'bob@example.com'], leads: ['lea@example.com'] }];
const auditors = { emails: ['aud@example.com'] };

describe.each(['embedded', 'NATS'])('who may watch what (%s)', (name) => {
  let nats: NatsServer | undefined;
  let signIn: SignIn;
  let rig: AnalyticsRig;
  const open = async () => {
    const profile = nats === undefined ? 'embedded' : { natsUrl: nats.url, clickhouseUrl: clickhouseUrl() };
    return openAnalytics(profile, { authServer: signIn.url });
  };
  beforeAll(async () => {
    nats = name === 'embedded' ? undefined : await startNats();
    signIn = await startSignIn();
    rig = await open();
    await signIn.publish(rig.platform.state, { teams, auditors });
  }, 300_000);
  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
    await signIn[Symbol.asyncDispose]();
    await nats?.[Symbol.asyncDispose]();
  });

  const watch = (token: string, query = '', lastEventId?: string, at = rig): Promise<SseClient> =>
    openTail(`${at.running().urls['http']}/api/v1/events/tail${query}`, {
      authorization: `Bearer ${token}`,
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    });
  const begun = async (client: SseClient) => {
    await client.until((blocks) => blocks.length > 0);
    return client;
  };
  const own = (who: string, inTeams: string[]) => ({
    ...{ principal_issuer: signIn.url, principal_subject: `sub-of-${who}`, principal_name: who, teams: inTeams },
    server: 'work',
  });
  const seen = (client: SseClient, count: number) => client.until(() => client.requests().length >= count);

  it('T4 shows auditors everything, leads their teams, and everybody else their own', async () => {
    await using undo = new AsyncDisposableStack();
    const as = async (email: string, query = '') => undo.use(await begun(await watch(signIn.token(email), query)));
    const [ana, lea, cy, aud] = [
      await as('ana@example.com'),
      await as('lea@example.com'),
      await as('cy@example.com'),
      await as('aud@example.com'),
    ];
    const key = undo.use(await begun(await watch(rig.keys.auditor, '?type=tool.called')));
    const greedy = await as('cy@example.com', `?team=finance&filter=${encodeURIComponent('server = work or server != work')}`);
    await rig.record(['ana-1'], own('ana@example.com', ['finance']));
    await rig.record(['bob-1'], own('bob@example.com', ['finance', 'ops']));
    await rig.record(['twin-1'], { ...own('ana@example.com', []), principal_issuer: 'https://elsewhere.example' });
    await rig.record(['foreign-1'], { ...own('ana@example.com', ['finance']), tenant: 'other' });
    await rig.record(['cy-1'], own('cy@example.com', []));
    await Promise.all([seen(ana, 1), seen(lea, 2), seen(cy, 1), seen(aud, 4), seen(key, 4)]);
    expect(ana.requests()).toEqual(['ana-1']);
    expect(lea.requests().sort()).toEqual(['ana-1', 'bob-1']);
    expect(cy.requests()).toEqual(['cy-1']);
    expect(
      aud
        .requests()
        .filter((request) => request !== '')
        .sort(),
    ).toEqual(['ana-1', 'bob-1', 'cy-1', 'twin-1']);
    expect(key.requests().sort()).toEqual(['ana-1', 'bob-1', 'cy-1', 'twin-1']);
    expect(greedy.requests()).toEqual([]);
  }, 300_000);

  it('T4 a role that is taken away is gone at once, and a grant ends the tail', async () => {
    await using aud = await begun(await watch(signIn.token('aud@example.com'), '?type=tool.called'));
    await signIn.publish(rig.platform.state, { teams, auditors: { emails: [] } });
    await eventually(async () => {
      await using other = await watch(signIn.token('aud@example.com'), '?type=nothing');
      expect(other.status).toBe(400);
      expect(await stillAuditor(signIn.token('aud@example.com'))).toBe(false);
    });
    await rig.record(['ana-2'], own('ana@example.com', ['finance']));
    await rig.record(['aud-1'], own('aud@example.com', []));
    await seen(aud, 1);
    expect(aud.requests()).toEqual(['aud-1']);
    await signIn.publish(rig.platform.state, { teams, auditors });
    const grant = { kind: 'grant', id: 'grant-of-aud@example.com' } as const;
    const revoked = await rig.platform.state.bucket(BUCKETS.revocations, DEFAULT_TENANT);
    await revoked.put(revocableName('grant', grant.id), encodeRevoked(grant));
    await eventually(() => aud.ended());
    expect(aud.blocks().at(-1)).toMatchObject({ event: 'end', data: { reason: 'no_longer_admitted' } });
  }, 300_000);

  const stillAuditor = async (token: string) => {
    const url = `${rig.running().urls['http']}/api/v1/audit/gaps`;
    return (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status === 200;
  };

  it.each([
    ['no-key', '', undefined, 401],
    ['no-role', 'none', undefined, 403],
    ['unknown-parameter', 'auditor', { query: '?cursor=x' }, 400],
    ['filter', 'auditor', { query: '?filter=server+like+x' }, 400],
    ['id', 'auditor', { id: 'yesterday' }, 400],
  ] as const)('T4 %s: is refused', async (_id, key, { query = '', id }: { query?: string; id?: string } = {}, status) => {
    const token = key === '' ? '' : rig.keys[key];
    await using client = await watch(token, query, id);
    expect(client.status).toBe(status);
  });

  it('goes on at another replica, with nothing missed and nothing twice', async () => {
    // In process there is one: it goes on at the same after it was closed.
    await using another = nats === undefined ? undefined : await open();
    const at = another ?? rig;
    const all = Array.from({ length: 60 }, (_, index) => `many-${index}`);
    let lastEventId: string;
    const shown: string[] = [];
    {
      await using client = await begun(await watch(rig.keys.auditor, '?type=prompt.got'));
      await rig.record(all.slice(0, 30), { type: 'prompt.got' });
      await seen(client, 10);
      shown.push(...client.requests());
      lastEventId = client.lastEventId();
    }
    await rig.record(all.slice(30), { type: 'prompt.got' });
    await using client = await watch(rig.keys.auditor, '?type=prompt.got', lastEventId, at);
    await seen(client, all.length - shown.length);
    expect([...shown, ...client.requests()].sort()).toEqual(all.toSorted());
  }, 300_000);
});
