import { encodeRevoked, revocableName } from '@switchyard/api-keys';
import { BUCKETS, DEFAULT_TENANT, type CostAnswer, type EventsPage, type UsageAnswer } from '@switchyard/contracts';
import { clickhouseUrl, eventually, startNats, type NatsServer } from '@switchyard/testing';
import { openAnalytics, type AnalyticsRig } from '../analytics.fixture.js';
import { startSignIn, type SignIn } from './sign-in.fixture.js';

const teams = [
  { name: 'finance', emails: ['ana@example.com', 'bob@example.com'], leads: ['lea@example.com'] },
  { name: 'ops', emails: ['bob@example.com'], claims: ['operators'] },
];
const auditors = { emails: ['aud@example.com'], claims: ['audit-group'], teams: ['ops'] };

describe.each(['embedded', 'NATS and ClickHouse'])('who may read what (%s)', (name) => {
  let nats: NatsServer | undefined;
  let signIn: SignIn;
  let rig: AnalyticsRig;

  const own = (who: string, inTeams: string[]) => ({
    ...{ principal_issuer: signIn.url, principal_subject: `sub-of-${who}`, principal_name: who, teams: inTeams },
    ...{ server: 'work', capability: 'echo', cost_micros: 10 },
  });

  beforeAll(async () => {
    nats = name === 'embedded' ? undefined : await startNats();
    signIn = await startSignIn();
    const profile = nats === undefined ? 'embedded' : { natsUrl: nats.url, clickhouseUrl: clickhouseUrl() };
    rig = await openAnalytics(profile, { authServer: signIn.url });
    await signIn.publish(rig.platform.state, { teams, auditors });
    await rig.record(['ana-1', 'ana-2'], own('ana@example.com', ['finance']));
    await rig.record(['bob-1'], own('bob@example.com', ['finance', 'ops']));
    await rig.record(['cy-1'], own('cy@example.com', []));
    // Somebody of another issuer who has the same subject.
    await rig.record(['twin-1'], { ...own('ana@example.com', []), principal_issuer: 'https://elsewhere.example' });
    await rig.record(['foreign-1'], { ...own('ana@example.com', ['finance']), tenant: 'other' });
    await eventually(async () => expect(await rig.requests('tool.called')).toHaveLength(5));
  }, 300_000);
  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
    await signIn[Symbol.asyncDispose]();
    await nats?.[Symbol.asyncDispose]();
  });

  const get = async (path: string, token: string) => {
    const response = await fetch(`${rig.running().urls['http']}${path}`, { headers: { authorization: `Bearer ${token}` } });
    return { status: response.status, challenge: response.headers.get('www-authenticate'), text: await response.text() };
  };
  const requestsSeen = async (token: string, query = '') => {
    const { status, text } = await get(`/api/v1/events?limit=1000&type=tool.called${query}`, token);
    expect([status, text]).toEqual([200, expect.any(String)]);
    return [...new Set((JSON.parse(text) as EventsPage).events.map(({ request_id }) => request_id))].sort();
  };
  const everybody = ['ana-1', 'ana-2', 'bob-1', 'cy-1', 'twin-1'];

  it.each<readonly [string, string, Readonly<Record<string, unknown>>, readonly string[]]>([
    ['member', 'ana@example.com', {}, ['ana-1', 'ana-2']],
    ['member-of-no-team', 'cy@example.com', {}, ['cy-1']],
    ['stranger', 'new@example.com', {}, []],
    ['lead', 'lea@example.com', {}, ['ana-1', 'ana-2', 'bob-1']],
    ['auditor-by-address', 'aud@example.com', {}, everybody],
    ['auditor-by-claim', 'new@example.com', { sy_claims: ['audit-group'] }, everybody],
    ['auditor-by-team', 'bob@example.com', {}, everybody],
    ['auditor-by-claim-of-team', 'new@example.com', { sy_claims: ['operators'] }, everybody],
    // The name of a role, a team or an address in another place gives nothing.
    ['claims-auditor', 'new@example.com', { sy_claims: ['auditor', 'admin', 'finance', 'lea@example.com'] }, []],
    ['no-address', 'ana@example.com', { email: undefined }, ['ana-1', 'ana-2']],
    ['lead-without-address', 'lea@example.com', { email: undefined }, []],
  ])('T4 %s: sees these events', async (_id, email, claims, expected) => {
    expect(await requestsSeen(signIn.token(email, claims))).toEqual(expected);
  });

  it.each<readonly [string, string]>([
    ['principal', '&principal=bob@example.com'],
    ['team', '&team=finance'],
    ['or', `&filter=${encodeURIComponent('server = work or server != work')}`],
    ['close', `&filter=${encodeURIComponent('(server = work) or (tenant_ = x)'.replace('tenant_', 'emitter'))}`],
    ['sql', `&server=${encodeURIComponent("work' OR 1=1 --")}`],
    ['sql-value', `&filter=${encodeURIComponent('server = "work\') OR (1=1) --" or capability = echo')}`],
    ['placeholder', `&q=${encodeURIComponent('{scope_subject:String}')}`],
    ['not', `&filter=${encodeURIComponent('not (server = nowhere)')}`],
    ['cursor', `&cursor=${encodeURIComponent('2100-01-01T00:00:00Z,edge-1/1/1')}`],
    ['wide', '&from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z'],
  ])('T4 %s: no filter shows a member what is not theirs', async (_id, query) => {
    const seen = await requestsSeen(signIn.token('ana@example.com'), query);
    expect(seen.filter((request) => request !== 'ana-1' && request !== 'ana-2')).toEqual([]);
  });

  it.each([
    ['tenant-parameter', '/api/v1/events?tenant=other', 400],
    ['tenant-filter', '/api/v1/events?filter=tenant+%3D+other', 400],
    ['scope-parameter', '/api/v1/events?scope_subject=x', 400],
    ['settings', `/api/v1/usage?group_by=${encodeURIComponent('team SETTINGS max_memory_usage=0')}`, 400],
    ['join', `/api/v1/usage?group_by=${encodeURIComponent('team FROM events JOIN keys')}`, 400],
    ['order', '/api/v1/usage/top?by=principal&measure=1;DROP', 400],
    ['story-of-somebody', '/api/v1/requests/bob-1', 404],
    ['story-of-other-tenant', '/api/v1/requests/foreign-1', 404],
    ['own-story', '/api/v1/requests/ana-1', 200],
  ])('T4 %s: %s gets %d', async (_id, path, status) => {
    expect((await get(path, signIn.token('ana@example.com'))).status).toBe(status);
  });

  it('T4 an export has what its reader may know', async () => {
    const { text } = await get('/api/v1/events/export?format=csv', signIn.token('ana@example.com'));
    const lines = text.trimEnd().split('\r\n');
    expect(lines).toHaveLength(4);
    expect(lines.at(-1)).toContain('#export complete=true events=2');
    expect(text).not.toMatch(/bob|cy-1|foreign|elsewhere/);
  });

  const teamsIn = async (email: string) => {
    const { text } = await get('/api/v1/usage?group_by=team', signIn.token(email));
    return Object.fromEntries((JSON.parse(text) as UsageAnswer).rows.map(({ group, calls }) => [group.team, calls]));
  };

  it('T4 usage counts what its reader may know, and names no other team of somebody', async () => {
    expect(await teamsIn('aud@example.com')).toEqual({ finance: 3, ops: 1, '': 2 });
    expect(await teamsIn('lea@example.com')).toEqual({ finance: 3 });
    expect(await teamsIn('ana@example.com')).toEqual({ finance: 2 });
    const { text } = await get('/api/v1/cost', signIn.token('lea@example.com'));
    expect((JSON.parse(text) as CostAnswer).months).toEqual([
      expect.objectContaining({ calls: 3, cost_micros: 30, teams: [{ team: 'finance', calls: 3, cost_micros: 30 }] }),
    ]);
    const top = await get('/api/v1/usage/top?by=principal', signIn.token('ana@example.com'));
    expect(top.text).not.toMatch(/bob|cy@/);
  });

  it.each<readonly [string, Readonly<Record<string, unknown>>]>([
    ['for-a-server', { aud: 'http://x/mcp/work' }],
    ['without-the-scope', { scope: 'mcp' }],
    ['of-a-service', { sy_kind: 'service' }],
    ['bound-to-a-key', { cnf: { jkt: 'a'.repeat(43) } }],
    ['expired', { exp: 1_000 }],
    ['of-another-issuer', { iss: 'https://elsewhere.example' }],
  ])('T4 a token %s opens nothing, and says where to sign in', async (_id, claims) => {
    const { status, challenge } = await get('/api/v1/events', signIn.token('aud@example.com', claims));
    expect(status).toBe(401);
    expect(challenge).toBe(
      `Bearer error="invalid_token", resource_metadata="${signIn.url}/.well-known/oauth-protected-resource/api"`,
    );
  });

  it('T4 a role or a grant that is taken away is gone at once', async () => {
    const token = signIn.token('gone@example.com');
    await signIn.publish(rig.platform.state, { teams, auditors: { ...auditors, emails: ['gone@example.com'] } });
    await eventually(async () => expect(await requestsSeen(token)).toEqual(everybody));
    await signIn.publish(rig.platform.state, { teams, auditors });
    await eventually(async () => expect(await requestsSeen(token)).toEqual([]));
    const revoked = await rig.platform.state.bucket(BUCKETS.revocations, DEFAULT_TENANT);
    await revoked.put(
      revocableName('grant', 'grant-of-gone@example.com'),
      encodeRevoked({ kind: 'grant', id: 'grant-of-gone@example.com' }),
    );
    expect((await get('/api/v1/events', token)).status).toBe(401);
  });
});
