import { ENGINES, tablesForEach } from '../engine/engines.fixture.js';
import { GapTable } from '../reconcile/gap-table.js';
import { Reconciler } from '../reconcile/reconciler.js';
import { Exporting } from './exporting.js';
import type { Hold } from './hold.js';
import { DAY_MS, openRetention } from './retention.fixture.js';

jest.setTimeout(300_000);

const DAYS = { events: 100, lines: 100, payloads: 100, usage: 1_000 };
const setBy = { reason: 'a suit', set_by: 'legal', set_at: '2025-01-01T00:00:00.000Z' };
const holdOf = (name: string, filter: Partial<Hold> = {}): Hold => ({ name, ...setBy, ...filter });
const ana = { principal_subject: 'u-1', principal_name: 'ana', server: 'work' };

type Bench = Awaited<ReturnType<typeof openRetention>>;

/** Ten events of long ago, sealed, and ten of now. */
async function oldAndNew(bench: Bench) {
  await bench.record(7);
  await bench.record(3, { ...ana, detail: { payload: 'of-ana'.padEnd(32, '-') } });
  await bench.seal();
  bench.clock.advance(200 * DAY_MS);
  await bench.record(10);
  await bench.seal();
}

const kept = (views: Awaited<ReturnType<Bench['pass']>>, table: string) => views.find((one) => one.table === table)?.kept;
const deleted = (views: Awaited<ReturnType<Bench['pass']>>, table: string) => views.find((one) => one.table === table)?.deleted;

describe.each(ENGINES)('retention on %s', (_name, openEngine) => {
  const open = tablesForEach(openEngine);
  it('D11: deletes what is old and archived, tells of it before and after, and what is left verifies', async () => {
    await using bench = await openRetention(open);
    await oldAndNew(bench);
    expect(await bench.verify(await bench.exported())).toMatchObject({ ok: true, events: 21, deleted: 0 });
    const views = await bench.pass(DAYS);
    // The event of the first checkpoint arrived after it, and is in the second.
    expect([deleted(views, 'events'), deleted(views, 'event_lines')]).toEqual([11, 10]);
    expect(kept(views, 'event_lines')).toEqual([]);
    expect([await bench.count('events'), await bench.count('event_lines')]).toEqual([11, 12]);
    expect(bench.told.map(({ type, outcome, detail }) => [type, outcome, detail?.table, detail?.rows])).toEqual([
      ['audit.retention_intended', 'pending', 'events', '11'],
      ['audit.retention_deleted', 'ok', 'events', '11'],
      ['audit.retention_intended', 'pending', 'event_lines', '10'],
      ['audit.retention_deleted', 'ok', 'event_lines', '10'],
    ]);
    const whole = await bench.verify(await bench.exported());
    expect(whole).toMatchObject({ ok: true, events: 11, deleted: 10 });
    const behind = await bench.verify(await bench.exported(bench.clock.now() - DAY_MS));
    expect(behind).toMatchObject({ ok: true, events: 11, deleted: 0 });
    expect(await bench.count('principals')).toBe(0);
    // Nothing is left to do, and nothing is told of it.
    bench.told.length = 0;
    await bench.pass(DAYS);
    expect(bench.told).toEqual([]);
  });

  it('D11: a cut that retention did not make is a violation, also beside one that it made', async () => {
    await using bench = await openRetention(open);
    await oldAndNew(bench);
    await bench.pass(DAYS);
    await bench.engine.command('ALTER TABLE event_lines DELETE WHERE sequence IN (11, 12) SETTINGS mutations_sync = 2');
    expect(await bench.verify(await bench.exported())).toMatchObject({
      ok: false,
      sentence: expect.stringContaining('(11 to 12)') as string,
    });
  });

  it('D11: rows that somebody else deleted before do not become what retention deleted', async () => {
    await using bench = await openRetention(open);
    await oldAndNew(bench);
    await bench.engine.command('ALTER TABLE event_lines DELETE WHERE sequence IN (4, 5) SETTINGS mutations_sync = 2');
    expect(deleted(await bench.pass(DAYS), 'event_lines')).toBe(8);
    expect(await bench.verify(await bench.exported())).toMatchObject({ ok: false });
  });

  it('D11: is refused for what no checkpoint covers that was copied away', async () => {
    await using bench = await openRetention(open);
    await bench.record(10);
    bench.clock.advance(200 * DAY_MS);
    const unsigned = await bench.pass(DAYS);
    expect([kept(unsigned, 'events'), kept(unsigned, 'event_lines')]).toEqual([
      [{ reason: 'unsealed', rows: 10, detail: '' }],
      [{ reason: 'unsealed', rows: 10, detail: '' }],
    ]);
    await bench.checkpointer.sign();
    const uncopied = await bench.pass(DAYS);
    expect(kept(uncopied, 'events')).toEqual([{ reason: 'unsealed', rows: 10, detail: '' }]);
    expect(bench.told).toEqual([]);
    await bench.checkpointer.copy();
    const copied = await bench.pass(DAYS);
    expect([deleted(copied, 'events'), deleted(copied, 'event_lines')]).toEqual([10, 10]);
  });

  it('D11: is refused for what a checkpoint says that this key has not signed', async () => {
    await using bench = await openRetention(open);
    await oldAndNew(bench);
    await bench.engine.command(
      `ALTER TABLE checkpoints UPDATE jws = concat(jws, 'x') WHERE number = 1 SETTINGS mutations_sync = 2`,
    );
    expect(kept(await bench.pass(DAYS), 'event_lines')).toBeDefined();
    expect(await bench.count('event_lines', 'sequence <= 10')).toBe(10);
  });

  it('D11: is refused for what a sink has yet to be sent, and says which', async () => {
    await using bench = await openRetention(open);
    const beganMs = bench.clock.now();
    await oldAndNew(bench);
    bench.sinks.push({ sink: 'siem', throughMs: beganMs - DAY_MS }, { sink: 'other', throughMs: bench.clock.now() });
    const behind = [{ reason: 'sink_behind', rows: 11, detail: 'siem' }];
    expect(kept(await bench.pass(DAYS), 'events')).toEqual(behind);
    bench.sinks[0] = { sink: 'siem', throughMs: undefined };
    expect(kept(await bench.pass(DAYS), 'events')).toEqual(behind);
    expect(await bench.count('events')).toBe(22);
    bench.sinks[0] = { sink: 'siem', throughMs: beganMs + DAY_MS };
    expect(deleted(await bench.pass(DAYS), 'events')).toBe(11);
  });

  it('D11: is refused while an export runs, and an export waits for a deletion', async () => {
    await using bench = await openRetention(open);
    await oldAndNew(bench);
    const exporting = new Exporting(bench.gate, 500);
    const text = await exporting.run(async () => ofParts(await bench.exported()));
    await text.next();
    expect(kept(await bench.pass(DAYS), 'events')).toEqual([{ reason: 'export_running', rows: 11, detail: '' }]);
    expect(await bench.count('events')).toBe(22);
    await text.return();
    await bench.gate.beginDeleting({ id: 'x', name: 'events', cutMs: 0, startedAtMs: 0 });
    await expect(exporting.run(async () => ofParts([]))).rejects.toMatchObject({ details: { reason: 'retention_running' } });
    await bench.gate.endDeleting('x');
    expect(deleted(await bench.pass(DAYS), 'events')).toBe(11);
  });

  it('D11: an export that died is believed to run for a minute', async () => {
    await using bench = await openRetention(open);
    await oldAndNew(bench);
    await bench.gate.beginExport();
    expect(deleted(await bench.pass(DAYS), 'events')).toBe(0);
    bench.clock.advance(61_000);
    expect(deleted(await bench.pass(DAYS), 'events')).toBe(11);
  });

  it('D11: keeps what is held for as long as it is, exact lines too, and they verify', async () => {
    await using bench = await openRetention(open);
    await oldAndNew(bench);
    await bench.gate.setHold(holdOf('case-7', { principal: 'ana', server: 'work' }));
    const payloads = ['of-ana', 'of-all'].map((name) => ({
      ...{ tenant: 'default', payload_id: name.padEnd(32, '-'), key_id: 'k', ciphertext: 'x' },
      ...{ captured_at: '2025-01-01T00:00:00.000Z', stored_at: '2025-01-01T00:00:00.000Z' },
    }));
    await bench.engine.insertLines(
      'event_payloads',
      Buffer.from(payloads.map((row) => JSON.stringify(row)).join('\n')),
      'payloads',
    );
    const views = await bench.pass(DAYS);
    expect([kept(views, 'events'), kept(views, 'event_lines')]).toEqual([
      [{ reason: 'held', rows: 3, detail: '' }],
      [{ reason: 'held', rows: 3, detail: '' }],
    ]);
    expect(kept(views, 'event_payloads')).toEqual([{ reason: 'held', rows: 1, detail: '' }]);
    expect(await bench.count('event_payloads', `payload_id LIKE 'of-ana%'`)).toBe(await bench.count('event_payloads'));
    expect(await bench.count('events', `principal_name = 'ana'`)).toBe(3);
    expect(await bench.count('principals')).toBe(1);
    expect(await bench.verify(await bench.exported())).toMatchObject({ ok: true, deleted: 7 });
    await bench.engine.command(
      `ALTER TABLE event_lines UPDATE line = replaceOne(line, 'tool 1', 'evil 1') WHERE sequence = 9 SETTINGS mutations_sync = 2`,
    );
    expect(await bench.verify(await bench.exported())).toMatchObject({ ok: false });
    await bench.gate.releaseHold('case-7');
    expect(deleted(await bench.pass(DAYS), 'events')).toBe(3);
    expect(await bench.count('events', `principal_name = 'ana'`)).toBe(0);
  });

  it('D11: a hold that is set while a pass is being planned is kept to', async () => {
    await using bench = await openRetention(open);
    await oldAndNew(bench);
    let asked = 0;
    const sinks = async () => {
      asked += 1;
      if (asked === 1) await bench.gate.setHold(holdOf('late', { principal: 'u-1' }));
      return [];
    };
    await bench.pass(DAYS, { sinks });
    expect(await bench.count('events', `principal_name = 'ana'`)).toBe(3);
    await bench.gate.beginDeleting({ id: 'x', name: 'events', cutMs: 7, startedAtMs: 0 });
    expect(await bench.gate.setHold(holdOf('later'))).toMatchObject({ during: { name: 'events', cutMs: 7 } });
  });

  it('D11: what a process began that was killed is told of by the next, which goes on', async () => {
    await using bench = await openRetention(open);
    await oldAndNew(bench);
    const dies = { record: async () => Promise.reject(new Error('killed')) };
    await expect(bench.pass(DAYS, { audit: dies })).rejects.toThrow('killed');
    // Nobody exports while it is not known how that ended.
    expect(await bench.gate.beginExport()).toBeUndefined();
    const views = await bench.pass(DAYS);
    expect([deleted(views, 'events'), deleted(views, 'event_lines')]).toEqual([11, 10]);
    expect(bench.told.slice(0, 2).map(({ type, outcome, detail }) => [type, outcome, detail?.rows, detail?.resumed])).toEqual([
      ['audit.retention_deleted', 'error', '0', 'true'],
      ['audit.retention_intended', 'pending', '11', undefined],
    ]);
    // The same where it died behind the deletion.
    bench.clock.advance(200 * DAY_MS);
    const told: string[] = [];
    const diesLater = {
      record: async ({ type }: { readonly type: string }) => {
        told.push(type);
        if (told.length === 2) throw new Error('killed');
      },
    };
    await expect(bench.pass(DAYS, { audit: diesLater })).rejects.toThrow('killed');
    bench.told.length = 0;
    await bench.pass(DAYS);
    expect(bench.told[0]).toMatchObject({ type: 'audit.retention_deleted', outcome: 'ok', detail: { resumed: 'true' } });
    // The event of the last checkpoint is in none.
    expect(await bench.count('events')).toBe(1);
    expect(await bench.verify(await bench.exported())).toMatchObject({ ok: true });
  });

  it('D11: what was deleted is no gap', async () => {
    await using bench = await openRetention(open);
    await oldAndNew(bench);
    await bench.pass(DAYS);
    const { clock, engine, deps, platform } = bench;
    const emitters = await platform.state.bucket('emitters', 'default');
    const reconciler = new Reconciler({ engine, emitters, audit: deps.audit, clock, log: deps.log });
    const [first, second] = [await reconciler.run(), await reconciler.run()];
    expect([first.open, second.found]).toEqual([[], []]);
    expect(await new GapTable(engine, clock).open()).toEqual([]);
  });
});

async function* ofParts(parts: readonly Buffer[]): AsyncGenerator<string, void> {
  for (const part of parts) yield await Promise.resolve(part.toString());
}
