import { ENGINES, withTables, type OpenedEngine } from '../engine/engines.fixture.js';
import { everything, insert, trailOf } from './events.fixture.js';
import { LimitedReads, READ_LIMITS } from './limited-reads.js';

const endless = { text: 'SELECT sum(cityHash64(number)) AS sum FROM numbers(100000000000000)', params: {} };

describe.each(ENGINES)('X7 an expensive query on %s', (_name, open) => {
  let opened: OpenedEngine;
  beforeAll(async () => {
    opened = await withTables(open);
  });
  afterAll(() => opened[Symbol.asyncDispose]());

  it('ends at the limit of time, which is named; events are stored all the same', async () => {
    const ended: string[] = [];
    const query = new LimitedReads(opened.engine).rows(endless).finally(() => ended.push('query'));
    const refused = expect(query).rejects.toMatchObject({
      status: 503,
      details: { reason: 'query_too_expensive', limit: { name: 'query_seconds', allowed: READ_LIMITS.seconds } },
    });
    await insert(opened.engine, [{ sequence: 1, at: 0 }]);
    ended.push('insert');
    await refused;
    expect(ended).toEqual(['insert', 'query']);
    expect(await trailOf(opened.engine).events(everything, {}, 10)).toHaveLength(1);
  }, 300_000);

  it.each([
    ['memory', "SELECT length(groupArray(repeat('x', 1000000))) AS n FROM numbers(100000)", 'query_memory_bytes'],
    ['rows', 'SELECT number FROM numbers(20000)', 'result_rows'],
  ])(
    'ends at the limit of %s, which is named',
    async (_id, text, limit) => {
      const query = new LimitedReads(opened.engine).rows({ text, params: {} });
      await expect(query).rejects.toMatchObject({
        status: 503,
        details: { reason: 'query_too_expensive', limit: { name: limit } },
      });
    },
    60_000,
  );
});

describe('X7 many queries', () => {
  it('run a few at a time, wait in a line that has an end, and all get their turn', async () => {
    const running: (() => void)[] = [];
    const reads = new LimitedReads({
      query: () => new Promise((resolve) => running.push(() => resolve([]))),
    });
    const all = Array.from({ length: READ_LIMITS.atOnce + READ_LIMITS.waiting }, () => reads.rows(endless));
    await expect(reads.rows(endless)).rejects.toMatchObject({
      status: 503,
      details: { reason: 'too_many_queries', limit: { name: 'concurrent_queries' } },
    });
    expect(running).toHaveLength(READ_LIMITS.atOnce);
    for (let done = 0; done < all.length; done++) {
      running.shift()?.();
      await all[done];
      expect(running.length).toBeLessThanOrEqual(READ_LIMITS.atOnce);
    }
  });
});
