import { EVENTS_STREAM } from '@switchyard/contracts';
import { eventually } from '@switchyard/testing';
import { appendFileSync, readFileSync, renameSync } from 'node:fs';
import { startFolder } from './fakes/file.fixture.js';
import { startWebhook } from './fakes/webhook.fixture.js';
import { openSinksBench, type BenchProfile, type SinksBench } from './sinks.fixture.js';
import type { Sinks } from './sinks.js';

const states = (sinks: Sinks) => sinks.statuses().map(({ name, state }) => `${name} ${state}`);

describe.each<BenchProfile>(['embedded', 'NATS'])('sinks (%s)', (profile) => {
  let bench: SinksBench;
  beforeEach(async () => {
    bench = await openSinksBench(profile, { isFast: true });
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  const serving = (...names: string[]) =>
    eventually(() => expect(states(bench.sinks)).toEqual(names.map((name) => `${name} ok`)));

  it('come, change and go with the configuration; each begins where it is configured', async () => {
    await using one = await startFolder();
    await using other = await startFolder();
    const a = { type: 'file', ...one.settings };
    await bench.configure({ a });
    await serving('a');
    const first = await bench.publish('edge-1', 1, 3);
    await eventually(() => expect(one.taken()).toEqual(first));
    await bench.configure({ a: { ...a, filter: { outcomes: ['denied'] } }, b: { type: 'file', ...other.settings } });
    await serving('b', 'a').catch(() => serving('a', 'b'));
    const second = await bench.publish('edge-1', 4, 3);
    const denied = await bench.publish('edge-1', 7, 1, { outcome: 'denied' });
    await eventually(() => expect(other.taken()).toEqual([...second, ...denied]));
    await eventually(() => expect(one.taken()).toEqual([...first, ...denied]));
    await bench.configure({ b: { type: 'file', ...other.settings } });
    await serving('b');
    const third = await bench.publish('edge-1', 8, 1);
    await eventually(() => expect(other.taken()).toEqual([...second, ...denied, ...third]));
    expect(one.taken()).toEqual([...first, ...denied]);
    await bench.configure({});
    await eventually(() => expect(bench.sinks.statuses()).toEqual([]));
  });

  it('are served by one replica at a time; another goes on where it stopped, in order and with no gap', async () => {
    await using folder = await startFolder();
    await bench.configure({ a: { type: 'file', ...folder.settings } });
    await serving('a');
    const replica = await bench.another();
    await eventually(() => expect(states(replica)).toEqual(['a standby']));
    const ids = await bench.publish('edge-1', 1, 50);
    await eventually(() => expect(folder.taken()).toEqual(ids));
    await eventually(() => expect(bench.sinks.statuses()[0]?.oldestMs).toBe(0));
    await bench.sinks.close();
    ids.push(...(await bench.publish('edge-1', 51, 50)));
    await eventually(() => expect(folder.taken()).toEqual(ids));
    expect(states(replica)).toEqual(['a ok']);
  });

  it('D11: say until when each has been sent everything, which goes on only with what is taken', async () => {
    await using folder = await startFolder();
    await using hook = await startWebhook();
    await bench.configure({ a: { type: 'file', ...folder.settings }, hook: { type: 'webhook', ...hook.settings } });
    await eventually(() => expect(states(bench.sinks).sort()).toEqual(['a ok', 'hook ok']));
    const begunMs = bench.clock.now();
    bench.clock.advance(86_400_000);
    const ids = await bench.publish('edge-1', 1, 5);
    await eventually(() => expect(folder.taken()).toEqual(ids));
    const through = async (sink: string) =>
      (await bench.sinks.deliveredThrough()).find((one) => one.sink === sink)?.throughMs ?? NaN;
    await eventually(async () => expect(await through('a')).toBeGreaterThanOrEqual(begunMs + 86_400_000));
    // The vault does not open it: what it has been sent ends where it began.
    expect(await through('hook')).toBeLessThanOrEqual(begunMs);
    await bench.sinks.startReplay({ sink: 'a', source: 'events', fromMs: 1_000, toMs: bench.clock.now() });
    await eventually(async () => expect(await through('a')).toBeGreaterThanOrEqual(begunMs + 86_400_000));
    await bench.configure({ a: { type: 'file', ...folder.settings } });
    await eventually(async () => expect((await bench.sinks.deliveredThrough()).map(({ sink }) => sink)).toEqual(['a']));
  });

  it("put an emitter's batches back into order", async () => {
    await using folder = await startFolder();
    await bench.configure({ a: { type: 'file', ...folder.settings } });
    await serving('a');
    const first = await bench.publish('edge-1', 1, 5);
    const third = await bench.publish('edge-1', 11, 5);
    const foreign = await bench.publish('edge-2', 1, 5);
    const second = await bench.publish('edge-1', 6, 5);
    await eventually(() => expect(folder.taken()).toHaveLength(20));
    expect(folder.taken().filter((id) => id.startsWith('edge-1'))).toEqual([...first, ...second, ...third]);
    expect(folder.taken().filter((id) => id.startsWith('edge-2'))).toEqual(foreign);
  });

  it('wait for the vault, and for nothing else', async () => {
    await using hook = await startWebhook();
    await using folder = await startFolder();
    const sinks = { hook: { type: 'webhook', ...hook.settings }, file: { type: 'file', ...folder.settings } };
    await bench.configure(sinks);
    await eventually(() => expect(bench.sinks.statuses()).toHaveLength(2));
    await eventually(() => expect(states(bench.sinks).sort()).toEqual(['file ok', 'hook ok']));
    const ids = await bench.publish('edge-1', 1, 5);
    await eventually(() => expect(folder.taken()).toEqual(ids));
    await eventually(() =>
      expect(bench.sinks.statuses().find(({ name }) => name === 'hook')).toMatchObject({
        state: 'failing',
        reason: 'not_opened',
      }),
    );
    expect(hook.taken()).toEqual([]);
    await bench.configure(sinks, { hook: hook.secrets });
    await eventually(() => expect(hook.taken()).toEqual(ids));
  });

  it.each([
    { id: 'S1 loopback, of a gateway that is elsewhere', publicUrl: 'https://mcp.example.com', allow: [], reaches: false },
    { id: 'S2 loopback that is allowed', publicUrl: 'https://mcp.example.com', allow: ['127.0.0.1/32'], reaches: true },
    { id: 'S3 loopback, of a gateway on loopback', publicUrl: 'http://localhost:8080', allow: [], reaches: true },
  ])('$id: reached is $reaches', async ({ publicUrl, allow, reaches }) => {
    await using hook = await startWebhook();
    await bench.configure({ hook: { type: 'webhook', ...hook.settings, allow } }, { hook: hook.secrets }, publicUrl);
    await serving('hook');
    const ids = await bench.publish('edge-1', 1, 1);
    if (!reaches) await eventually(() => expect(states(bench.sinks)).toEqual(['hook failing']));
    await eventually(() => expect(hook.taken()).toEqual(reaches ? ids : []));
  });

  it('skip what is no event', async () => {
    await using folder = await startFolder();
    await bench.configure({ a: { type: 'file', ...folder.settings } });
    await serving('a');
    await bench.bus.publish(EVENTS_STREAM, 'switchyard.events.v1.a.b', 'odd', Buffer.from('no json\n[1]\n"x"\n{"a":1}\n\n'));
    const ids = await bench.publish('edge-1', 1, 2);
    await eventually(() => expect(folder.taken()).toEqual(ids));
  });
});

describe('the file sink', () => {
  let bench: SinksBench;
  beforeEach(async () => {
    bench = await openSinksBench('embedded', { isFast: true });
  });
  afterEach(() => bench[Symbol.asyncDispose]());
  const serve = async (settings: Readonly<Record<string, unknown>>) => {
    await bench.configure({ a: { type: 'file', ...settings } });
    await eventually(() => expect(states(bench.sinks)).toEqual(['a ok']));
  };

  it('rotates, and keeps as many files as it is told', async () => {
    await using folder = await startFolder({ rotateBytes: 2_000, keepFiles: 2 });
    await serve(folder.settings);
    const ids: string[] = [];
    for (let batch = 0; batch < 10; batch += 1) {
      ids.push(...(await bench.publish('edge-1', 1 + batch * 5, 5)));
      await eventually(() => expect(folder.taken().at(-1)).toBe(ids.at(-1)));
    }
    const kept = folder.taken();
    expect(kept.length).toBeLessThan(50);
    expect(kept).toEqual(ids.slice(-kept.length));
  });

  it('goes on in a new file when the old one was moved away', async () => {
    await using folder = await startFolder();
    await serve(folder.settings);
    const first = await bench.publish('edge-1', 1, 2);
    await eventually(() => expect(folder.taken()).toEqual(first));
    renameSync(folder.file, `${folder.file}.1`);
    const second = await bench.publish('edge-1', 3, 2);
    await eventually(() => expect(folder.taken()).toEqual([...first, ...second]));
    expect(readFileSync(folder.file, 'utf8').split('\n')).toHaveLength(3);
  });

  it('takes back half a line that a killed process left', async () => {
    await using folder = await startFolder();
    await serve(folder.settings);
    const first = await bench.publish('edge-1', 1, 2);
    await eventually(() => expect(folder.taken()).toEqual(first));
    await eventually(() => expect(bench.sinks.statuses()[0]?.oldestMs).toBe(0));
    await bench.sinks.close();
    appendFileSync(folder.file, '{"event_id":"edge-1/1000/3","ten');
    await bench.another();
    const second = await bench.publish('edge-1', 3, 2);
    await eventually(() => expect(readFileSync(folder.file, 'utf8').split('\n')).toHaveLength(5));
    expect(folder.taken()).toEqual([...first, ...second]);
  });

  it('D8-16 is away for a time: nothing is missing afterwards', async () => {
    await using folder = await startFolder();
    await serve(folder.settings);
    await folder.away(true);
    const ids = await bench.publish('edge-1', 1, 5);
    await eventually(() => expect(states(bench.sinks)).toEqual(['a failing']));
    await folder.away(false);
    await eventually(() => expect(folder.taken()).toEqual(ids));
  });
});
