import { Problem } from '@switchyard/admin-api';
import type { EventView, ExportEnd } from '@switchyard/contracts';
import { EngineError, type Engine } from '../../engine/engine.js';
import { ENGINES, withTables, type OpenedEngine } from '../../engine/engines.fixture.js';
import { decodeCursor } from '../cursor.js';
import { EventTrail } from '../event-trail.js';
import { everything, idOf, insert } from '../events.fixture.js';
import { LimitedReads } from '../limited-reads.js';
import { exportEvents } from './export-events.js';
import { EXPORT_FORMATS } from './export-format.js';

const given = Array.from({ length: 6_500 }, (_, index) => ({ sequence: index + 1, at: Math.floor(index / 3) }));
const newestFirst = given.map(idOf).toReversed();

/** An engine that counts queries, and fails at one. */
function counting(engine: Engine, failAt = Infinity, code?: number) {
  const counted = { queries: 0 };
  const query: Engine['query'] = async (sql, params) => {
    counted.queries += 1;
    if (counted.queries === failAt) throw new EngineError('as told', code);
    return engine.query(sql, params);
  };
  return { counted, reads: new LimitedReads({ query }) };
}

const start = (reads: LimitedReads, cursor?: string) =>
  exportEvents({
    trail: new EventTrail(reads, 'default'),
    scope: everything,
    filters: {},
    after: cursor === undefined ? undefined : decodeCursor(cursor),
    format: EXPORT_FORMATS.ndjson,
    onFault: () => undefined,
  });

async function read(text: AsyncIterable<string>): Promise<{ readonly events: EventView[]; readonly end: ExportEnd }> {
  let whole = '';
  for await (const part of text) whole += part;
  const lines = whole.trimEnd().split('\n');
  const values = lines.map((line) => JSON.parse(line) as unknown);
  return { events: values.slice(0, -1) as EventView[], end: (values.at(-1) as { export: ExportEnd }).export };
}

const idsOf = (events: readonly EventView[]) => events.map(({ event_id }) => event_id);

describe.each(ENGINES)('an export from %s', (_name, open) => {
  let opened: OpenedEngine;
  let engine: Engine;
  beforeAll(async () => {
    opened = await withTables(open);
    engine = opened.engine;
    await insert(engine, given);
    await insert(engine, given.slice(100, 1_800));
  }, 300_000);
  afterAll(() => opened[Symbol.asyncDispose]());

  it('has every event once, newest first, and says that it is complete', async () => {
    const { events, end } = await read(await start(new LimitedReads(engine)));
    expect(idsOf(events)).toEqual(newestFirst);
    expect(end).toEqual({ complete: true, events: 6_500 });
  });

  it('reads no page before the one before was taken', async () => {
    const { counted, reads } = counting(engine);
    const text = await start(reads);
    expect(counted.queries).toBe(1);
    for (const [taken, queries] of [1, 1, 2, 3].entries()) {
      await text.next();
      expect([taken, counted.queries]).toEqual([taken, queries]);
    }
    await text.return();
    expect(counted.queries).toBe(3);
  });

  it.each([
    ['time', 159, 'query_too_expensive'],
    ['memory', 241, 'query_too_expensive'],
    ['away', undefined, 'unavailable'],
    ['fault', 62, 'internal'],
  ])('X7 %s: says that it is not complete, and goes on where it ended', async (_id, code, reason) => {
    const { reads } = counting(engine, 2, code);
    const first = await read(await start(reads));
    expect(first.end).toMatchObject({ complete: false, events: 1_000, reason, detail: expect.any(String) as unknown });
    const rest = await read(await start(new LimitedReads(engine), first.end.next_cursor));
    expect(rest.end).toEqual({ complete: true, events: 5_500 });
    expect([...idsOf(first.events), ...idsOf(rest.events)]).toEqual(newestFirst);
  });

  it('goes on behind the last line that somebody has', async () => {
    const all = await read(await start(new LimitedReads(engine)));
    const last = all.events[1_233];
    const rest = await read(await start(new LimitedReads(engine), `${last?.occurred_at},${last?.event_id}`));
    expect(idsOf(rest.events)).toEqual(newestFirst.slice(1_234));
  });

  it('is refused where not even its first page can be read', async () => {
    const { reads } = counting(engine, 1, 159);
    await expect(start(reads)).rejects.toBeInstanceOf(Problem);
  });
});
