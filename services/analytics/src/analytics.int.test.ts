import { EVENTS_STREAM, type EventsPage } from '@switchyard/contracts';
import { eventually, clickhouseUrl, startClickHouse, startNats, type NatsServer } from '@switchyard/testing';
import { openAnalytics, type AnalyticsRig, type Profile } from './analytics.fixture.js';

const named = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

describe.each(['embedded', 'NATS and ClickHouse'])('analytics (%s)', (name) => {
  let nats: NatsServer | undefined;
  let rig: AnalyticsRig;
  beforeAll(async () => {
    nats = name === 'embedded' ? undefined : await startNats();
    const profile: Profile = nats === undefined ? 'embedded' : { natsUrl: nats.url, clickhouseUrl: clickhouseUrl() };
    rig = await openAnalytics(profile);
  }, 300_000);
  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
    await nats?.[Symbol.asyncDispose]();
  });

  it('shows an event soon after the call', async () => {
    await rig.record(['quick'], { server: 'work', principal_name: 'ana@example.com' });
    const page = await eventually(async () => {
      const response = await rig.get('?request_id=quick&principal=ana@example.com');
      expect(response.status).toBe(200);
      const read = (await response.json()) as EventsPage;
      return read.events.length > 0 && read;
    });
    expect(page).toEqual({ events: [expect.objectContaining({ type: 'tool.called', server: 'work', request_id: 'quick' })] });
  });

  it('stores every event exactly once, over its own restart', async () => {
    await rig.record(named('a', 500), { type: 'proxy.hop' });
    await rig.stop();
    await rig.record(named('b', 500), { type: 'proxy.hop' });
    await rig.start();
    const expected = [...named('a', 500), ...named('b', 500)].sort();
    await eventually(async () => expect((await rig.requests('proxy.hop')).length).toBeGreaterThanOrEqual(1_000), {
      timeoutMs: 20_000,
    });
    expect((await rig.requests('proxy.hop')).sort()).toEqual(expected);
  }, 300_000);

  it.each([
    ['no-key', '', '', 401, 'unauthenticated'],
    ['wrong-key', '', 'sy_aaaaaaaaaaaa_x', 401, 'unauthenticated'],
    ['unknown-parameter', '?user=ana', undefined, 400, 'invalid_request'],
    ['bad-limit', '?limit=5000', undefined, 400, 'invalid_request'],
    ['bad-type', '?type=tool', undefined, 400, 'invalid_request'],
    ['bad-cursor', '?cursor=abc', undefined, 400, 'invalid_request'],
    ['twice', '?server=a&server=b', undefined, 400, 'invalid_request'],
    ['bad-filter', '?filter=server+like+a', undefined, 400, 'invalid_request'],
  ])('%s: is refused with a problem document', async (_id, query, key, status, reason) => {
    const response = await rig.get(query, key);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({ status, reason });
  });

  it.each([
    ['from', '?from=yesterday', { field: 'from' }],
    ['from-behind-to', '?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z', { field: 'from' }],
    ['filter', '?filter=server+like+a', { field: 'filter', position: 8 }],
    ['q', '?q=a+%22b', { field: 'q', position: 3 }],
  ])('a refusal names what cannot be read, and where: %s', async (_id, query, expected) => {
    expect(await (await rig.get(query)).json()).toMatchObject({ errors: [expected] });
  });

  it.each([
    ['admin', 200],
    ['auditor', 200],
    ['none', 403],
  ] as const)('a key with the role %s gets %d', async (role, status) => {
    expect((await rig.get('', rig.keys[role])).status).toBe(status);
  });

  it('is ready, and counts what it does', async () => {
    expect(await rig.running().readiness()).toEqual({ engine: 'ok', bus: 'ok', state: 'ok', ingest: 'ok' });
    const text = await rig.platform.telemetry.metricsText();
    expect(text).toMatch(/^switchyard_ingested_events_total\b.* [1-9]/m);
    expect(text).toMatch(/^switchyard_ingest_duration.*_count\b.* [1-9]/m);
    expect(text).toMatch(/^switchyard_ingest_delay.*_count\b.* [1-9]/m);
    expect(text).toMatch(/^switchyard_ingest_stalled.* 0$/m);
  });

  it('puts what is no event aside, and counts it', async () => {
    const lines = '{"type":"tool.called","mood":"fine"}\n';
    await rig.platform.bus.publish(EVENTS_STREAM, 'switchyard.events.v1.a.b', 'poison-1', Buffer.from(lines));
    await rig.record(['behind-poison']);
    await eventually(async () => {
      expect(await rig.requests('tool.called')).toContain('behind-poison');
      const text = await rig.platform.telemetry.metricsText();
      expect(text).toMatch(/^switchyard_dead_letters_total\{.*reason="not_an_event".*\} 1$/m);
    });
  });
});

describe('analytics without its database', () => {
  it('keeps every event until the database is back, and says so', async () => {
    await using nats = await startNats();
    await using clickhouse = await startClickHouse();
    await using rig = await openAnalytics({ natsUrl: nats.url, clickhouseUrl: clickhouse.url });
    await rig.record(named('before', 50));
    await eventually(async () => expect(await rig.requests('tool.called')).toHaveLength(50));

    await clickhouse.kill();
    await rig.record(named('during', 200));
    await eventually(() => rig.platform.audit.depthBytes() === 0);
    await eventually(async () => {
      const readiness = await rig.running().readiness();
      expect(readiness).toMatchObject({ engine: 'cannot be reached', bus: 'ok' });
      expect(readiness['ingest']).toMatch(/^has stored nothing for \d+ s$/);
    });
    const refused = await rig.get('');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await refused.json()).toMatchObject({ reason: 'unavailable' });

    await clickhouse.restart();
    await eventually(async () => expect(await rig.requests('tool.called')).toHaveLength(250));
    expect(new Set(await rig.requests('tool.called')).size).toBe(250);
    await eventually(async () => expect(Object.values(await rig.running().readiness())).toEqual(['ok', 'ok', 'ok', 'ok']));
  }, 300_000);

  it('waits for it at start-up', async () => {
    await using nats = await startNats();
    await using clickhouse = await startClickHouse();
    await clickhouse.kill();
    await using rig = await openAnalytics({ natsUrl: nats.url, clickhouseUrl: clickhouse.url }, { start: false });
    const started = rig.start();
    await eventually(() => expect(rig.waitedFor).toContainEqual({ engine: 'cannot be reached' }));
    await clickhouse.restart();
    await started;
    await rig.record(['late']);
    await eventually(async () => expect(await rig.requests('tool.called')).toEqual(['late']));
  }, 300_000);

  it('loses and doubles nothing when the database is killed again and again while events arrive', async () => {
    await using nats = await startNats();
    await using clickhouse = await startClickHouse();
    await using rig = await openAnalytics({ natsUrl: nats.url, clickhouseUrl: clickhouse.url });
    const expected: string[] = [];
    for (let round = 0; round < 3; round++) {
      const requests = named(`round-${round}`, 2_000);
      expected.push(...requests);
      await rig.record(requests, { detail: { pad: 'x'.repeat(round * 200) } });
      await clickhouse.kill();
      await clickhouse.restart();
    }
    await eventually(async () => expect((await rig.requests('tool.called')).length).toBeGreaterThanOrEqual(expected.length), {
      timeoutMs: 30_000,
    });
    expect((await rig.requests('tool.called')).sort()).toEqual(expected.sort());
  }, 300_000);
});
