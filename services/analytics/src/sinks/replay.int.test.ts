import { DEFAULT_TENANT, type EventJson } from '@switchyard/contracts';
import { eventually } from '@switchyard/testing';
import { ENGINES, withTables, type OpenedEngine } from '../engine/engines.fixture.js';
import { EngineError, type Engine } from '../engine/engine.js';
import { startFolder } from './fakes/file.fixture.js';
import { startWebhook } from './fakes/webhook.fixture.js';
import { openSinksBench, type SinksBench } from './sinks.fixture.js';

const START_MS = Date.UTC(2026, 0, 1);
const MINUTE_MS = 60_000;

function line(number: number, fields: Partial<EventJson> = {}): string {
  const event = {
    event_id: `edge-1/1/${number}`,
    tenant: DEFAULT_TENANT,
    type: 'tool.called',
    occurred_at: new Date(START_MS + number * 1_000).toISOString(),
    emitter: 'edge-1',
    epoch: '1',
    sequence: String(number),
    outcome: 'ok',
    detail: { note: 'a|b' },
    ...fields,
  };
  return `${JSON.stringify(event)}\n`;
}

describe.each(ENGINES)('a replay (%s)', (_name, open) => {
  let opened: OpenedEngine;
  let bench: SinksBench;
  let isAway = false;
  beforeAll(async () => {
    opened = await withTables(open);
    const lines = Array.from({ length: 2_500 }, (_, index) => line(index + 1)).join('');
    await opened.engine.insertLines('events', Buffer.from(lines), 'first');
    // Delivered twice, as after a crash.
    await opened.engine.insertLines(
      'events',
      Buffer.from(Array.from({ length: 50 }, (_, index) => line(index + 1)).join('')),
      'again',
    );
  }, 300_000);
  afterAll(() => opened[Symbol.asyncDispose]());
  beforeEach(async () => {
    isAway = false;
    const database: Engine = {
      ...opened.engine,
      command: (sql) => opened.engine.command(sql),
      insertLines: (table, lines, token) => opened.engine.insertLines(table, lines, token),
      insertTexts: (...texts) => opened.engine.insertTexts(...texts),
      ready: () => opened.engine.ready(),
      close: async () => undefined,
      query: (sql, params) =>
        isAway ? Promise.reject(new EngineError('the database is away', undefined)) : opened.engine.query(sql, params),
    };
    bench = await openSinksBench('embedded', { isFast: true, database });
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  const ids = (first: number, last: number) =>
    Array.from({ length: last - first + 1 }, (_, index) => `edge-1/1/${first + index}`);
  const serve = async (settings: Readonly<Record<string, unknown>>, secrets: Readonly<Record<string, string>> = {}) => {
    await bench.configure({ a: { type: 'file', ...settings } }, { a: secrets });
    await eventually(() => expect(bench.sinks.statuses()[0]?.state).toBe('ok'));
  };
  const done = async (sent: number) =>
    eventually(async () => expect(await bench.sinks.replays('a')).toMatchObject([{ state: 'done', sent }]), {
      timeoutMs: 20_000,
    });

  it('sends what happened in a time, each event once and in order, over several pages', async () => {
    await using folder = await startFolder();
    await serve(folder.settings);
    await bench.sinks.startReplay({ sink: 'a', source: 'events', fromMs: START_MS, toMs: START_MS + 2_401_000 });
    await done(2_400);
    expect(folder.taken()).toEqual(ids(1, 2_400));
  }, 300_000);

  it('keeps to its range and to the filter, and knows which sinks there are', async () => {
    await using folder = await startFolder({ filter: { outcomes: ['denied'] } });
    await opened.engine.insertLines('events', Buffer.from(line(3_000, { outcome: 'denied' })), 'denied');
    await serve(folder.settings);
    const wanted = { source: 'events', fromMs: START_MS + 2_990_000, toMs: START_MS + 3_001_000 } as const;
    expect(await bench.sinks.startReplay({ ...wanted, sink: 'b' })).toBeUndefined();
    await bench.sinks.startReplay({ ...wanted, sink: 'a' });
    await done(1);
    expect(folder.taken()).toEqual(ids(3_000, 3_000));
  });

  it('goes on after a restart, and lets new events pass while the database is away', async () => {
    await using folder = await startFolder();
    await serve(folder.settings);
    isAway = true;
    await bench.sinks.startReplay({ sink: 'a', source: 'events', fromMs: START_MS, toMs: START_MS + MINUTE_MS });
    const fresh = await bench.publish('edge-9', 1, 3);
    await eventually(() => expect(folder.taken()).toEqual(fresh));
    await bench.sinks.close();
    isAway = false;
    const again = await bench.another();
    await eventually(async () => expect(await again.replays('a')).toMatchObject([{ state: 'done', sent: 59 }]));
    expect(folder.taken()).toEqual([...fresh, ...ids(1, 59)]);
  });

  it('sends what the sink refused for good', async () => {
    await using hook = await startWebhook();
    hook.poison = (id) => id.endsWith('/2');
    await serve({ ...hook.settings, type: 'webhook' }, hook.secrets);
    await bench.publish('edge-8', 1, 3);
    await eventually(() => expect(bench.sinks.statuses()[0]).toMatchObject({ delivered: 2, refused: 1 }));
    hook.poison = () => false;
    const nowMs = Date.now();
    await bench.sinks.startReplay({ sink: 'a', source: 'dead-letters', fromMs: nowMs - MINUTE_MS, toMs: nowMs + MINUTE_MS });
    await done(1);
    expect(hook.taken()).toEqual(['edge-8/1000/1', 'edge-8/1000/3', 'edge-8/1000/2']);
  });
});
