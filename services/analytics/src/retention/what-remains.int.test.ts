import { signCheckpoint } from '@switchyard/audit';
import { ENGINES, tablesForEach } from '../engine/engines.fixture.js';
import { holdSchema, type Hold } from './hold.js';
import { DAY_MS, openRetention } from './retention.fixture.js';

jest.setTimeout(300_000);

interface Row {
  readonly event_id: string;
  readonly tenant: string;
  readonly emitter: string;
  readonly sequence: number;
  readonly principal_subject: string;
  readonly principal_name: string;
  readonly server: string;
  readonly chain: string;
  readonly occurredAtMs: number;
  readonly arrivedAtMs: number;
}

/** Numbers that a seed says (mulberry32). */
function numbersOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const SEALED: Readonly<Record<string, number>> = { e1: 60, e2: 30 };
const PEOPLE = ['', "o'brien", 'ana', 'bo\\b'];
const SERVERS = ['work', 'play'];
const iso = (ms: number) => new Date(ms).toISOString();

function holdsOf(next: (below: number) => number, nowMs: number): Hold[] {
  return Array.from({ length: next(3) }, (_, index) => {
    const fromMs = nowMs - next(80) * DAY_MS;
    return holdSchema.parse({
      ...{ name: `hold-${index}`, reason: 'x', set_by: 'legal', set_at: iso(nowMs) },
      ...(next(2) === 0 && { principal: PEOPLE[1 + next(3)] }),
      ...(next(2) === 0 && { server: SERVERS[next(2)] }),
      ...(next(2) === 0 && { from: iso(fromMs) }),
      ...(next(2) === 0 && { to: iso(fromMs + 20 * DAY_MS) }),
    });
  });
}

/** What the documentation says. */
function isHeld(row: Row, { principal, server, from, to }: Hold): boolean {
  if (principal !== undefined && row.principal_subject !== principal && row.principal_name !== principal) return false;
  if (server !== undefined && row.server !== server) return false;
  if (from !== undefined && row.occurredAtMs < Date.parse(from)) return false;
  return to === undefined || row.occurredAtMs < Date.parse(to);
}

describe.each(ENGINES)('what retention leaves on %s', (_name, openEngine) => {
  const open = tablesForEach(openEngine);
  it('D11: is what its rules say, of any events, holds, sinks and lengths', async () => {
    await using bench = await openRetention(open);
    const { engine, deps, clock, gate, sinks } = bench;
    const nowMs = clock.now();
    const heads = Object.fromEntries(
      Object.entries(SEALED).map(([emitter, sequence]): [string, [number, string]] => [`${emitter}/1`, [sequence, 'x']]),
    );
    for (const seed of [1, 2, 3]) {
      const next = numbersOf(seed);
      const tenant = `tenant-${seed}`;
      const jws = await signCheckpoint({ number: 1, at: iso(nowMs), previous: '', heads }, deps.key);
      await insert('checkpoints', [{ tenant, number: 1, at: iso(nowMs), jws }], tenant);
      const rows = Array.from({ length: 300 }, (_, index): Row => {
        const emitter = `e${1 + next(3)}`;
        const subject = PEOPLE[next(4)] ?? '';
        const arrivedAtMs = nowMs - next(80 * 24) * 3_600_000 - 1;
        return {
          ...{ event_id: `${emitter}/1/${index}`, tenant: index % 7 === 0 ? 'other' : tenant, emitter, sequence: index % 100 },
          ...{ principal_subject: subject, principal_name: subject === 'ana' ? "o'brien" : '', server: SERVERS[next(2)] ?? '' },
          // D9: clocks of emitters are wrong.
          ...{ chain: next(4) === 0 ? '' : 'x', occurredAtMs: arrivedAtMs + (next(30) - 15) * DAY_MS, arrivedAtMs },
        };
      });
      const stored = rows.map(({ occurredAtMs, arrivedAtMs, ...row }) => ({
        ...{ ...row, epoch: 1, type: 'tool.called' },
        ...{ occurred_at: iso(occurredAtMs), ingested_at: iso(arrivedAtMs) },
      }));
      await insert('events', stored, tenant);
      const holds = holdsOf(next, nowMs);
      for (const hold of holds) await gate.setHold(hold);
      const throughMs = nowMs - next(3) * 20 * DAY_MS;
      sinks.splice(0, 1, { sink: 'siem', throughMs });
      const days = 7 + next(60);
      await bench.pass({ events: days }, { tenant, copiedThrough: async () => (seed === 3 ? 0 : 1) });
      const goes = (row: Row) =>
        row.tenant === tenant &&
        row.arrivedAtMs < Math.min(nowMs - days * DAY_MS, throughMs - 3_600_000) &&
        (row.chain === '' || (seed !== 3 && row.sequence <= (SEALED[row.emitter] ?? -1))) &&
        !holds.some((hold) => isHeld(row, hold));
      const wanted = rows.filter((row) => !goes(row)).map((row) => row.event_id);
      const left = (await engine.query('SELECT DISTINCT event_id FROM events WHERE tenant IN ({tenant:String}, {other:String})', {
        tenant,
        other: 'other',
      })) as { event_id: string }[];
      expect([seed, left.map((row) => row.event_id).sort()]).toEqual([seed, wanted.sort()]);
      for (const { name } of holds) await gate.releaseHold(name);
      await engine.command('TRUNCATE TABLE events');
    }

    async function insert(table: string, rows: readonly object[], token: string): Promise<void> {
      await engine.insertLines(table, Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join('')), `${table} ${token}`);
    }
  });
});
