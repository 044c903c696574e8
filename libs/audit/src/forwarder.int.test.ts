import { EVENTS_INGEST_CONSUMER, EVENTS_STREAM, type EventFields } from '@switchyard/contracts';
import { connectNats, LocalBus, NatsBus, type Bus, type NatsBusOptions } from '@switchyard/messaging';
import { systemClock } from '@switchyard/runtime';
import { createLogger } from '@switchyard/telemetry';
import { eventually, startNats, tempDir } from '@switchyard/testing';
import { readdirSync } from 'node:fs';
import { Audit, type AuditOptions } from './audit.js';

const log = createLogger({ service: 'test', level: 'silent' });
const quickRetry = { firstMs: 10, longestMs: 50 };

const openAudit = (dir: string, bus: Bus, options: Partial<AuditOptions> = {}) =>
  Audit.open({ dir, emitter: 'edge-1', tenant: 'default', limitBytes: 64 * 1024 ** 2, bus, clock: systemClock, log, ...options });

const event = (request: number, detail: Record<string, string> = {}): EventFields => ({
  type: 'tool.called',
  outcome: 'ok',
  request_id: `r-${request}`,
  detail,
});

/** Reads every line of the stream; `fail` may refuse a batch. */
async function collect(bus: Bus, fail: (batch: number) => boolean = () => false) {
  const lines: { event_id: string; request_id: string }[] = [];
  let batches = 0;
  const consumption = await bus.consume({
    stream: EVENTS_STREAM,
    durable: EVENTS_INGEST_CONSUMER,
    batchMessages: 100,
    batchBytes: 1024 ** 2,
    batchWaitMs: 10,
    handle: async (messages) => {
      batches += 1;
      if (fail(batches)) throw new Error('refused by the test');
      for (const { data } of messages) {
        const texts = Buffer.from(data).toString().split('\n').slice(0, -1);
        lines.push(...texts.map((text) => JSON.parse(text) as (typeof lines)[number]));
      }
    },
    onError: () => undefined,
  });
  const requests = () => new Set(lines.map(({ request_id }) => request_id));
  return { lines, requests, close: () => consumption.close() };
}

/** Each request is there, and under exactly one event id: what came twice is the same event. */
function expectExactlyOnce(lines: readonly { event_id: string; request_id: string }[], count: number): void {
  const byId = new Map(lines.map(({ event_id, request_id }) => [event_id, request_id]));
  expect(byId.size).toBe(count);
  expect(new Set(byId.values()).size).toBe(count);
}

const expectNoSpool = (dir: string) => expect(readdirSync(dir).filter((name) => name.endsWith('.spool'))).toEqual([]);

describe('events over the bus in process', () => {
  it('all arrive, in the order of recording, and leave nothing behind', async () => {
    await using dir = await tempDir();
    const bus = new LocalBus();
    const seen = await collect(bus);
    const audit = await openAudit(dir.path, bus);
    for (let request = 0; request < 500; request++) await audit.record(event(request));
    await audit.close();
    expect(seen.lines.map(({ request_id }) => request_id)).toEqual(Array.from({ length: 500 }, (_, request) => `r-${request}`));
    expect(seen.lines[0]?.event_id).toMatch(/^edge-1\/\d+\/1$/);
    expectNoSpool(dir.path);
    await bus.close();
  });

  it('arrive although the consumer refuses batches, and the process restarts meanwhile', async () => {
    await using dir = await tempDir();
    const lines: { event_id: string; request_id: string }[] = [];
    for (let boot = 0; boot < 3; boot++) {
      const bus = new LocalBus({ retry: quickRetry });
      const seen = await collect(bus, (batch) => batch % 3 !== 0);
      const audit = await openAudit(dir.path, bus, { segmentBytes: 20_000, drainLimitMs: boot < 2 ? 10 : 5_000 });
      await Promise.all(
        Array.from({ length: 300 }, (_, index) => audit.record(event(boot * 300 + index, { pad: 'x'.repeat(200) }))),
      );
      await (boot < 2 ? bus.close() : audit.close());
      await audit.close();
      await bus.close();
      lines.push(...seen.lines);
    }
    expectExactlyOnce(lines, 900);
    expectNoSpool(dir.path);
  });

  it('share messages also where something is recorded at every turn', async () => {
    await using dir = await tempDir();
    const bus = new LocalBus();
    const seen = await collect(bus);
    const messageBytes: number[] = [];
    const counting = Object.create(bus, {
      publish: { value: (...told: Parameters<Bus['publish']>) => (messageBytes.push(told[3].length), bus.publish(...told)) },
    }) as Bus;
    const audit = await openAudit(dir.path, counting);
    const startedAtMs = performance.now();
    let recorded = 0;
    while (performance.now() < startedAtMs + 500) await audit.record(event(recorded++));
    const elapsedMs = performance.now() - startedAtMs;
    expect(recorded).toBeGreaterThan(50);
    expect(messageBytes.filter((bytes) => bytes < 128 * 1024).length).toBeLessThan(elapsedMs / 90 + 2);
    await audit.close();
    expectExactlyOnce(seen.lines, recorded);
    await bus.close();
  });

  it('wait in the spool while nobody takes them: up to the cap, where new work is refused', async () => {
    await using dir = await tempDir();
    const bus = new LocalBus({ publishTimeoutMs: 50 });
    const audit = await openAudit(dir.path, bus, { limitBytes: 100_000 });
    let recorded = 0;
    while (audit.accepting()) await audit.record(event(recorded++, { pad: 'x'.repeat(500) }));
    expect(audit.depthBytes()).toBeGreaterThan(80_000);
    expect(audit.oldestUnforwardedMs()).toBeGreaterThan(0);
    const flood = Array.from({ length: 100 }, (_, index) => audit.record(event(recorded + index, { pad: 'x'.repeat(500) })));
    const results = await Promise.allSettled(flood);
    const refused = results.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(100);

    const seen = await collect(bus);
    await eventually(() => expect(audit.accepting()).toBe(true));
    await audit.close();
    expectExactlyOnce(seen.lines, recorded + 100 - refused.length);
    expect(audit.depthBytes()).toBe(0);
    expect(audit.oldestUnforwardedMs()).toBe(0);
    await bus.close();
  });

  it('cannot be recorded after the end', async () => {
    await using dir = await tempDir();
    const bus = new LocalBus();
    const audit = await openAudit(dir.path, bus);
    await audit.close();
    await audit.close();
    expect(audit.accepting()).toBe(false);
    await expect(audit.record(event(1))).rejects.toMatchObject({ name: 'SpoolFull' });
    await bus.close();
  });
});

/** A connection of its own, closed with its scope. */
async function openNatsBus(url: string, options: NatsBusOptions) {
  const link = await connectNats({ servers: [url], name: 'audit-test' });
  const bus = await NatsBus.open(link, options);
  const dispose = async () => {
    await bus.close();
    await link.close();
  };
  return { bus, [Symbol.asyncDispose]: dispose };
}

describe('events over NATS', () => {
  it('all arrive over kill -9 of the server, and of the process that forwards', async () => {
    await using server = await startNats();
    await using dir = await tempDir();
    await using nats = await openNatsBus(server.url, { publishTimeoutMs: 500, retry: quickRetry });
    const { bus } = nats;
    let audit = await openAudit(dir.path, bus, { segmentBytes: 30_000, drainLimitMs: 100 });
    const recorded: Promise<void>[] = [];
    const record = (from: number, to: number) => {
      for (let request = from; request < to; request++) recorded.push(audit.record(event(request, { pad: 'x'.repeat(300) })));
    };
    record(0, 500);
    await eventually(() => audit.depthBytes() < 200_000);
    await server.kill();
    record(500, 1_000);
    await Promise.all(recorded);
    expect(audit.accepting()).toBe(true);
    // The next boot finds what this one could not forward.
    await audit.close();
    expect(audit.depthBytes()).toBeGreaterThan(0);
    audit = await openAudit(dir.path, bus, { segmentBytes: 30_000 });
    record(1_000, 1_200);
    await server.restart();
    const seen = await eventually(() => collect(bus), { timeoutMs: 30_000 });
    await eventually(() => expect(seen.requests().size).toBe(1_200));
    await audit.close();
    expectExactlyOnce(seen.lines, 1_200);
    expectNoSpool(dir.path);
    await seen.close();
  }, 300_000);

  it('that were stored but not confirmed in time are stored once: the message keeps its id', async () => {
    await using server = await startNats();
    await using dir = await tempDir();
    await using nats = await openNatsBus(server.url, { retry: quickRetry });
    const { bus } = nats;
    const published: string[] = [];
    const forgetful: Bus = {
      publish: async (stream, subject, messageId, data) => {
        await bus.publish(stream, subject, messageId, data);
        published.push(messageId);
        if (published.length % 2 === 1) throw new Error('the confirmation was lost');
      },
      consume: (options) => bus.consume(options),
      retain: (stream) => bus.retain(stream),
      release: (stream) => bus.release(stream),
      lastSequence: (stream) => bus.lastSequence(stream),
      extent: (stream) => bus.extent(stream),
      waiting: (stream, durable) => bus.waiting(stream, durable),
      read: (stream, after) => bus.read(stream, after),
      ready: () => bus.ready(),
      close: () => bus.close(),
    };
    const audit = await openAudit(dir.path, forgetful);
    await Promise.all(Array.from({ length: 50 }, (_, index) => audit.record(event(index))));
    await eventually(() => audit.depthBytes() === 0);
    const seen = await collect(bus);
    await eventually(() => expect(seen.requests().size).toBe(50));
    expect(published).toHaveLength(2);
    expect(published[0]).toBe(published[1]);
    expect(published[0]).toMatch(/^edge-1\/\d+\/1-50$/);
    expect(seen.lines).toHaveLength(50);
    await audit.close();
    await seen.close();
  });
});
