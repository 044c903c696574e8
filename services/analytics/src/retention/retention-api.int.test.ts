import { create, toJsonString } from '@bufbuild/protobuf';
import { BUCKETS, DEFAULT_TENANT, legalHoldView, retentionView, SnapshotSchema, type EventsPage } from '@switchyard/contracts';
import { eventually } from '@switchyard/testing';
import { openAnalytics, type AnalyticsRig } from '../analytics.fixture.js';

describe('retention over HTTP', () => {
  let rig: AnalyticsRig;
  beforeAll(async () => {
    rig = await openAnalytics('embedded', { start: false });
    const snapshots = await rig.platform.state.bucket(BUCKETS.snapshots, DEFAULT_TENANT);
    const snapshot = create(SnapshotSchema, {
      revision: '1',
      auditRetentionDays: { events: 400, lines: 400, payloads: 90, usage: 0 },
    });
    await snapshots.put('current', Buffer.from(toJsonString(SnapshotSchema, snapshot)));
    await rig.start();
  }, 300_000);
  afterAll(() => rig[Symbol.asyncDispose]());

  const ask = async (path: string, key: 'admin' | 'auditor' | 'none', method = 'GET', body?: object) => {
    const headers = { authorization: `Bearer ${rig.keys[key]}`, ...(body && { 'content-type': 'application/json' }) };
    return fetch(`${rig.running().urls['http']}/api/v1${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  };

  it('RT20 says how long everything is kept, to those who may know', async () => {
    expect((await ask('/retention', 'none')).status).toBe(403);
    await eventually(
      async () => {
        const { at, failure, tables, holds } = retentionView.parse(await (await ask('/retention', 'auditor')).json());
        expect([typeof at, failure, holds]).toEqual(['string', '', 0]);
        expect(tables.map(({ table, days, deleted, kept }) => [table, days, deleted, kept])).toEqual([
          ['events', 400, 0, []],
          ['event_payloads', 90, 0, []],
          ['event_lines', 400, 0, []],
          ['event_lines of no event', 400, 0, []],
          ['sink_dead_letters', 400, 0, []],
          ['dead_letters', 400, 0, []],
          ['usage_minutes', 0, 0, []],
          ['usage_days', 0, 0, []],
          ['usage_day_people', 0, 0, []],
          ['usage_day_tools', 0, 0, []],
          ['usage_day_teams', 0, 0, []],
        ]);
      },
      { timeoutMs: 60_000 },
    );
  }, 300_000);

  it('RT21 sets and releases holds for those who may, and says who did and why', async () => {
    const hold = { name: 'case-7', reason: 'a suit', principal: 'ana@example.com', from: '2026-01-01T00:00:00Z' };
    const rows = [
      ['an auditor', await ask('/legal-holds', 'auditor', 'POST', hold), 403],
      ['no reason', await ask('/legal-holds', 'admin', 'POST', { ...hold, reason: ' ' }), 400],
      ['a name that is none', await ask('/legal-holds', 'admin', 'POST', { ...hold, name: 'Case 7' }), 400],
      ['an unknown key', await ask('/legal-holds', 'admin', 'POST', { ...hold, tool: 'x' }), 400],
      ['an empty time', await ask('/legal-holds', 'admin', 'POST', { ...hold, to: '2025-01-01T00:00:00Z' }), 400],
      ['a hold', await ask('/legal-holds', 'admin', 'POST', hold), 201],
      ['the same name', await ask('/legal-holds', 'admin', 'POST', { ...hold, reason: 'another' }), 409],
    ] as const;
    for (const [what, answer, status] of rows) expect([what, answer.status]).toEqual([what, status]);
    const { holds } = (await (await ask('/legal-holds', 'auditor')).json()) as { holds: unknown[] };
    expect(holds.map((one) => legalHoldView.parse(one))).toMatchObject([{ ...hold, set_by: 'key of admin' }]);
    const releases = [
      ['an auditor', await ask('/legal-holds/case-7?reason=over', 'auditor', 'DELETE'), 403],
      ['no reason', await ask('/legal-holds/case-7', 'admin', 'DELETE'), 400],
      ['another', await ask('/legal-holds/case-8?reason=over', 'admin', 'DELETE'), 404],
      ['it', await ask('/legal-holds/case-7?reason=over', 'admin', 'DELETE'), 204],
    ] as const;
    for (const [what, answer, status] of releases) expect([what, answer.status]).toEqual([what, status]);
    expect(await (await ask('/legal-holds', 'admin')).json()).toEqual({ holds: [] });
    const filter = { hold: 'case-7', principal: 'ana@example.com', from: '2026-01-01T00:00:00Z' };
    await eventually(async () => {
      const wanted = encodeURIComponent('type = audit.hold_set or type = audit.hold_released');
      const { events } = (await (await rig.get(`?filter=${wanted}`)).json()) as EventsPage;
      expect(events.map(({ type, principal_name: name, detail }) => [type, name, detail])).toEqual([
        ['audit.hold_released', 'key of admin', { ...filter, because: 'over' }],
        ['audit.hold_set', 'key of admin', { ...filter, because: 'a suit' }],
      ]);
    });
  }, 300_000);

  it('RT22 exports as before', async () => {
    expect((await ask('/events/export', 'auditor')).status).toBe(200);
    await eventually(async () => expect([200, 404]).toContain((await ask('/audit/export', 'auditor')).status));
  });
});
