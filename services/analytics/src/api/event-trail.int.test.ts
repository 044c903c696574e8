import { eventsQuery, type EventFields, type EventFilters } from '@switchyard/contracts';
import fc from 'fast-check';
import type { Engine, QueryParams } from '../engine/engine.js';
import { ENGINES, withTables, type OpenedEngine } from '../engine/engines.fixture.js';
import { EventTrail } from './event-trail.js';
import { everything, idOf, ids, insert, page, trailOf } from './events.fixture.js';
import { LimitedReads } from './limited-reads.js';
import type { ReadScope } from './read-scope.js';

/** Reads to the end; `between` runs before every further page. */
async function readAll(
  engine: Engine,
  limit: number,
  between: () => Promise<unknown> = async () => undefined,
): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const read = await page(engine, { limit: String(limit) }, cursor);
    found.push(...ids(read));
    cursor = read.next_cursor;
    if (cursor !== undefined) await between();
  } while (cursor !== undefined);
  return found;
}

describe.each(ENGINES)('the audit trail on %s', (_name, open) => {
  let opened: OpenedEngine;
  let engine: Engine;
  beforeAll(async () => {
    opened = await withTables(open);
    engine = opened.engine;
  });
  afterAll(() => opened[Symbol.asyncDispose]());
  beforeEach(() => engine.command('TRUNCATE TABLE events'));

  it('shows an event as it was recorded, without its empty fields', async () => {
    const fields: Partial<EventFields> = {
      type: 'policy.denied',
      outcome: 'denied',
      rpc_code: -32001,
      detail: { rule: '2' },
      reason: 'policy_denied',
      occurred_at: '2026-01-31T23:58:00.000Z',
      teams: ['finance', 'all'],
      stage_us: { lease: 3, upstream: 4_000_000_000 },
      cost_micros: 1_500,
      rule: 'servers.work.access[2]',
    };
    await insert(engine, [{ sequence: 1, at: 5, fields }]);
    expect(await page(engine, {})).toEqual({
      events: [
        {
          event_id: 'edge-1/1/1',
          tenant: 'default',
          type: 'policy.denied',
          occurred_at: '2026-01-31T23:58:00.000Z',
          recorded_at: '2026-01-31T23:59:00.005Z',
          emitter: 'edge-1',
          epoch: '1',
          sequence: '1',
          outcome: 'denied',
          reason: 'policy_denied',
          rpc_code: -32001,
          detail: { rule: '2' },
          teams: ['finance', 'all'],
          stage_us: { lease: 3, upstream: 4_000_000_000 },
          cost_micros: 1_500,
          rule: 'servers.work.access[2]',
        },
      ],
    });
    await insert(engine, [{ sequence: 2, at: 6 }]);
    const [latest] = (await page(engine, { limit: '1' })).events;
    expect(Object.keys(latest ?? {}).sort()).toEqual(
      ['event_id', 'tenant', 'type', 'occurred_at', 'emitter', 'epoch', 'sequence', 'outcome'].sort(),
    );
  });

  // The engine takes them wherever they have fewer granules than the table's own, as after some merges, and then sorts all that there is: with
  // a hundred million events "the last 50" met its limit of memory. Tables of a test are too small to show that.
  it.each<readonly [string, ReadScope, EventFilters, 'by person' | 'by time']>([
    ['all', everything, {}, 'by time'],
    ['a-tool', everything, { capability: 'read' }, 'by time'],
    ['somebody', everything, { principal: 'u1' }, 'by person'],
    ['a-subject', everything, { filter: 'outcome = ok and (principal_subject = u1)' }, 'by person'],
    ['everybody-else', everything, { filter: 'not principal_subject = u1' }, 'by time'],
    ['a-subject-or-a-tool', everything, { filter: 'principal_subject = u1 or capability = read' }, 'by time'],
    ['own', { kind: 'some', issuer: 'https://idp.example.com', subject: 'u1', teams: [] }, {}, 'by time'],
    ['own-and-a-team', { kind: 'some', issuer: 'https://idp.example.com', subject: 'u1', teams: ['ops'] }, {}, 'by time'],
  ])('X7: %s: rows sorted by person answer what is about one person, and nothing else', async (_id, scope, filters, expected) => {
    const asked: string[] = [];
    const noting = {
      query: (sql: string, params?: QueryParams) => {
        asked.push(sql);
        return engine.query(sql, params);
      },
    };
    await new EventTrail(new LimitedReads(noting), 'default').events(scope, filters, 10);
    expect(asked.map((sql) => /optimize_use_projections = \d/.exec(sql)?.[0])).toEqual([
      `optimize_use_projections = ${expected === 'by person' ? 1 : 0}`,
    ]);
  });

  it('is newest first; within a millisecond, an emitter’s own order counts, by number', async () => {
    await insert(engine, [
      { sequence: 9, at: 0 },
      { sequence: 10, at: 0 },
      { sequence: 1, epoch: 2, at: 0 },
      { sequence: 100, emitter: 'edge-2', at: 0 },
      { sequence: 11, at: 120_000 },
      { sequence: 8, at: 1 },
    ]);
    expect(ids(await page(engine, {}))).toEqual([
      'edge-1/1/11',
      'edge-1/1/8',
      'edge-2/1/100',
      'edge-1/2/1',
      'edge-1/1/10',
      'edge-1/1/9',
    ]);
  });

  it('shows the tenant’s own events only', async () => {
    await insert(engine, [
      { sequence: 1, at: 0 },
      { sequence: 2, at: 0, tenant: 'other' },
    ]);
    expect(ids(await page(engine, {}))).toEqual(['edge-1/1/1']);
  });

  it('shows an event once, however often it was stored, also across pages', async () => {
    const events = Array.from({ length: 30 }, (_, index) => ({ sequence: index + 1, at: index }));
    await insert(engine, events);
    await insert(engine, events.slice(10));
    await insert(engine, events.slice(0, 20).toReversed());
    const found = await readAll(engine, 7);
    expect(found).toEqual(events.map(idOf).toReversed());
  });

  it.each([-8.64e15, 8.64e15])('takes a cursor of the time %d', async (occurredAtMs) => {
    await insert(engine, [{ sequence: 1, at: 0 }]);
    const place = { occurredAtMs, emitter: '', epoch: '0', sequence: '0', eventId: '' };
    const { events } = await trailOf(engine).page(everything, eventsQuery.parse({}), place);
    expect(events).toHaveLength(occurredAtMs < 0 ? 0 : 1);
  });

  it('has a next page exactly where there are more events', async () => {
    await insert(
      engine,
      Array.from({ length: 4 }, (_, index) => ({ sequence: index + 1, at: index })),
    );
    expect((await page(engine, { limit: '4' })).next_cursor).toBeUndefined();
    expect((await page(engine, { limit: '3' })).next_cursor).toEqual(expect.any(String));
  });

  it('pages through what was there, each once and in order, whatever arrives meanwhile', async () => {
    const given = fc.record({
      emitter: fc.constantFrom('edge-1', 'edge-2', 'ü/"'),
      at: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 100_000 })),
    });
    let epoch = 0;
    const property = fc.asyncProperty(
      fc.array(given, { maxLength: 40 }),
      fc.array(given, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 15 }),
      async (before, arriving, limit) => {
        await engine.command('TRUNCATE TABLE events');
        epoch += 1;
        let sequence = 0;
        const numbered = (events: typeof before) => events.map((event) => ({ ...event, epoch, sequence: (sequence += 1) }));
        const there = numbered(before);
        if (there.length > 0) await insert(engine, there);
        const order = await readAll(engine, 1000);
        // New events at every page, also such as belong between those that were shown, and repetitions of old ones.
        const found = await readAll(engine, limit, () => insert(engine, [...numbered(arriving), ...there.slice(0, 3)]));
        const old = new Set(there.map(idOf));
        expect(order.toSorted()).toEqual([...old].sort());
        expect(found.filter((id) => old.has(id))).toEqual(order);
        expect(new Set(found).size).toBe(found.length);
      },
    );
    await fc.assert(property, { numRuns: 8 });
  }, 300_000);
});
