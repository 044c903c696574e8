import {
  BUCKETS,
  DEFAULT_TENANT,
  emitterProgressKey,
  gapList,
  pipelineHealth,
  type GapList,
  type PipelineHealth,
} from '@switchyard/contracts';
import { clickhouseUrl, eventually, startClickHouse, startNats } from '@switchyard/testing';
import { openAnalytics, type AnalyticsRig, type Profile } from '../analytics.fixture.js';
import { startSignIn } from '../api/sign-in.fixture.js';

const read = async (rig: AnalyticsRig, path: string, token = rig.keys.auditor) => {
  const response = await fetch(`${rig.running().urls['http']}/api/v1/${path}`, { headers: { authorization: `Bearer ${token}` } });
  return { status: response.status, body: (await response.json()) as unknown };
};
async function healthOf(rig: AnalyticsRig): Promise<PipelineHealth> {
  const { status, body } = await read(rig, 'pipeline');
  expect(status).toBe(200);
  return pipelineHealth.parse(body);
}
const faults = ({ problems }: PipelineHealth) => problems.map(({ fault }) => fault);

describe.each(['embedded', 'NATS and ClickHouse'])('the health of the pipeline (%s)', (name) => {
  it('says how far everything is, and that all is well', async () => {
    await using nats = name === 'embedded' ? undefined : await startNats();
    const profile: Profile = nats === undefined ? 'embedded' : { natsUrl: nats.url, clickhouseUrl: clickhouseUrl() };
    await using rig = await openAnalytics(profile);
    await rig.record(['a', 'b', 'c']);
    await eventually(async () => expect(await rig.requests('tool.called')).toHaveLength(3));
    const health = await eventually(
      async () => {
        const found = await healthOf(rig);
        expect(found.emitters?.[0]?.recorded).toBeGreaterThanOrEqual(3);
        expect(found.emitters?.[0]?.waiting).toBe(0);
        return found;
      },
      { timeoutMs: 40_000 },
    );
    expect(health).toMatchObject({
      state: 'ok',
      problems: [],
      sinks: [],
      gaps: { open: 0, missing: 0 },
      dead_letters: { kept: 0 },
      retention: { failure: '', kept: [] },
    });
    expect(health.emitters).toHaveLength(1);
    expect(health.emitters?.[0]?.stored).toBeGreaterThanOrEqual(3);
    expect(health.stream?.waiting).toBe(0);
    expect(health.storing?.recent).toBeGreaterThanOrEqual(3);
    expect(health.storing?.p99_ms).toBeGreaterThanOrEqual(health.storing?.p50_ms ?? 0);
  }, 300_000);
});

describe('the health of the pipeline, with something wrong', () => {
  let rig: AnalyticsRig;
  let signIn: Awaited<ReturnType<typeof startSignIn>>;
  beforeAll(async () => {
    signIn = await startSignIn();
    rig = await openAnalytics('embedded', { authServer: signIn.url });
    await signIn.publish(rig.platform.state, { auditors: { emails: ['aud@example.com'] } });
  }, 300_000);
  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
    await signIn[Symbol.asyncDispose]();
  });

  it('names an emitter whose events wait', async () => {
    const kv = await rig.platform.state.bucket(BUCKETS.emitters, DEFAULT_TENANT);
    const said = (written: number, forwarded: number, oldestMs?: number) =>
      Buffer.from(
        JSON.stringify({
          ...{ written, forwarded, at_ms: Date.now(), waiting_bytes: 100 },
          ...(oldestMs === undefined ? {} : { oldest_at_ms: Date.now() - oldestMs }),
        }),
      );
    await kv.put(emitterProgressKey('edge-9', 1), said(5, 5));
    await kv.put(emitterProgressKey('edge-9', 2), said(9, 4, 600_000));
    const health = await healthOf(rig);
    expect(health.state).toBe('wrong');
    expect(health.problems.map(({ fault, subject }) => [fault, subject])).toEqual([['spool_waiting', 'edge-9']]);
    expect(health.emitters?.filter(({ emitter }) => emitter === 'edge-9')).toEqual([
      expect.objectContaining({ epoch: '2', recorded: 9, forwarded: 4, waiting: 5, waiting_bytes: 100, stored: 0 }),
    ]);
    await kv.delete(emitterProgressKey('edge-9', 1));
    await kv.delete(emitterProgressKey('edge-9', 2));
  });

  it.each<readonly [string, string, number]>([
    ['open', '', 200],
    ['nobody', '?state=some', 400],
    ['not-a-time', '?from=yesterday', 400],
  ])('gaps %s: %s gets %d', async (_id, query, status) => {
    expect((await read(rig, `audit/gaps${query}`)).status).toBe(status);
  });

  it('is for those who may read everything', async () => {
    const member = signIn.token('ana@example.com');
    const auditor = signIn.token('aud@example.com');
    for (const path of ['pipeline', 'audit/gaps']) {
      expect((await read(rig, path, member)).status).toBe(403);
      expect((await read(rig, path, rig.keys.none)).status).toBe(403);
      expect((await read(rig, path, 'sy_nothing')).status).toBe(401);
      expect((await read(rig, path, auditor)).status).toBe(200);
    }
  });
});

describe('gaps, and a database that is away', () => {
  it('are listed with their times, and everything else is told of without a database', async () => {
    await using server = await startClickHouse();
    await using nats = await startNats();
    await using rig = await openAnalytics({ natsUrl: nats.url, clickhouseUrl: server.url });
    const database = new URL(server.url);
    const name = await (async () => {
      const response = await fetch(new URL("/?query=SELECT+name+FROM+system.databases+WHERE+name+LIKE+'analytics%25'", database));
      return (await response.text()).trim();
    })();
    const rows = [
      { emitter: 'edge-1', epoch: 1, first: 5, last: 7, found_at: '2026-01-01 00:00:00.000', closed_at: 0 },
      {
        emitter: 'edge-1',
        epoch: 1,
        first: 12,
        last: 12,
        found_at: '2026-01-02 00:00:00.000',
        closed_at: '2026-01-02 00:05:00.000',
      },
    ].map((row) => JSON.stringify({ ...row, version: 1 }));
    const inserted = await fetch(new URL(`/?database=${name}&query=INSERT+INTO+audit_gaps+FORMAT+JSONEachRow`, database), {
      method: 'POST',
      body: rows.join('\n'),
    });
    expect(await inserted.text()).toBe('');
    const gaps = async (query = '') => gapList.parse((await read(rig, `audit/gaps${query}`)).body).gaps;
    const open: GapList['gaps'][number] = {
      ...{ emitter: 'edge-1', epoch: '1', first: 5, last: 7, events: 3, found_at: '2026-01-01T00:00:00.000Z' },
    };
    const closed = {
      ...{ emitter: 'edge-1', epoch: '1', first: 12, last: 12, events: 1, found_at: '2026-01-02T00:00:00.000Z' },
      closed_at: '2026-01-02T00:05:00.000Z',
    };
    expect(await gaps()).toEqual([open]);
    expect(await gaps('?state=closed')).toEqual([closed]);
    expect(await gaps('?state=all')).toEqual([closed, open]);
    expect(await gaps('?state=all&to=2026-01-01T12:00:00Z')).toEqual([open]);
    expect((await read(rig, 'audit/gaps?state=all&limit=1')).body).toEqual({ gaps: [closed], truncated: true });
    expect((await healthOf(rig)).gaps).toEqual({ open: 1, missing: 3, oldest_at: open.found_at });
    expect(faults(await healthOf(rig))).toContain('gaps_open');

    await server.kill();
    const health = await healthOf(rig);
    expect(faults(health)).toEqual(['database_away']);
    expect(health.emitters).toHaveLength(1);
    expect(health.gaps).toBeUndefined();
    expect((await read(rig, 'audit/gaps')).status).toBe(503);
    await server.restart();
  }, 300_000);
});
