import { toJsonString } from '@bufbuild/protobuf';
import { BUCKETS, DEFAULT_TENANT, SnapshotSchema, type EventsPage } from '@switchyard/contracts';
import { eventually } from '@switchyard/testing';
import { openAnalytics, type AnalyticsRig } from '../analytics.fixture.js';
import { snapshotOf } from './alerts.fixture.js';

describe('the API of alerts', () => {
  let rig: AnalyticsRig;
  beforeAll(async () => {
    rig = await openAnalytics('embedded');
    const snapshots = await rig.platform.state.bucket(BUCKETS.snapshots, DEFAULT_TENANT);
    const snapshot = snapshotOf({ denials: { kind: 'denial-burst' } }, {}, 'http://localhost:8080');
    await snapshots.put('current', Buffer.from(toJsonString(SnapshotSchema, snapshot)));
  }, 300_000);
  afterAll(() => rig[Symbol.asyncDispose]());

  const ask = async (path: string, key: 'admin' | 'auditor' | 'none', method = 'GET', body?: object) => {
    const headers = { authorization: `Bearer ${rig.keys[key]}`, ...(body && { 'content-type': 'application/json' }) };
    const url = `${rig.running().urls['http']}/api/v1/alerts${path}`;
    return fetch(url, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  };
  const inAnHour = () => ({ until: new Date(Date.now() + 3_600_000).toISOString(), reason: 'load test' });

  it('AL87 shows how alerts are to those who may know', async () => {
    await eventually(
      async () =>
        expect(await (await ask('', 'auditor')).json()).toMatchObject({
          alerts: [
            {
              name: 'denials',
              kind: 'denial-burst',
              state: 'ok',
              count: 0,
              firing: [],
              failure: '',
              silenced: false,
              deliveries: [],
            },
          ],
        }),
      { timeoutMs: 30_000 },
    );
    expect((await ask('', 'admin')).status).toBe(200);
    expect((await ask('', 'none')).status).toBe(403);
  });

  it('AL88 silences for those who may, until a time that makes sense, and says who did and why', async () => {
    await eventually(async () =>
      expect(((await (await ask('', 'admin')).json()) as { alerts: object[] }).alerts).toHaveLength(1),
    );
    const rows = [
      ['an auditor', await ask('/denials/silence', 'auditor', 'POST', inAnHour()), 403],
      ['an alert that there is not', await ask('/no/silence', 'admin', 'POST', inAnHour()), 404],
      ['the past', await ask('/denials/silence', 'admin', 'POST', { ...inAnHour(), until: '2020-01-01T00:00:00Z' }), 400],
      [
        'half a year',
        await ask('/denials/silence', 'admin', 'POST', {
          ...inAnHour(),
          until: new Date(Date.now() + 180 * 86_400_000).toISOString(),
        }),
        400,
      ],
      ['no reason', await ask('/denials/silence', 'admin', 'POST', { until: inAnHour().until, reason: ' ' }), 400],
      ['an hour', await ask('/denials/silence', 'admin', 'POST', inAnHour()), 200],
    ] as const;
    for (const [what, answer, status] of rows) expect([what, answer.status]).toEqual([what, status]);
    expect(await (await ask('', 'auditor')).json()).toMatchObject({
      alerts: [{ silenced: true, silencedBy: 'key of admin', silencedBecause: 'load test' }],
    });
    expect((await ask('/denials/silence', 'auditor', 'DELETE')).status).toBe(403);
    expect((await ask('/denials/silence', 'admin', 'DELETE')).status).toBe(204);
    expect(await (await ask('', 'auditor')).json()).toMatchObject({ alerts: [{ silenced: false }] });
    await eventually(async () => {
      const { events } = (await (await rig.get('?type=alert.silenced')).json()) as EventsPage;
      expect(events.map(({ principal_name: name, detail }) => [name, detail])).toEqual([
        ['key of admin', { alert: 'denials' }],
        ['key of admin', { alert: 'denials', until: expect.any(String) as string, because: 'load test' }],
      ]);
    });
  });
});
