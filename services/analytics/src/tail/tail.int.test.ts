import { renderEvent } from '@switchyard/audit';
import { DEFAULT_TENANT, EVENTS_STREAM, eventsSubject, type EventFields } from '@switchyard/contracts';
import { LocalBus } from '@switchyard/messaging';
import { systemClock } from '@switchyard/runtime';
import { eventually, tempDir } from '@switchyard/testing';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventTest } from '../api/event-tests.js';
import { openTail, type SseClient } from './sse-client.fixture.js';
import { SseResponse } from './sse-response.js';
import { readPosition } from './tail-position.js';
import { Tails, TAIL_LIMITS, type TailsDeps } from './tails.js';

const epoch = 1767225600000;

/** A stream of events in process, and a server of tails of it. */
async function openBench(timing: TailsDeps['timing'] = {}) {
  const undo = new AsyncDisposableStack();
  const dir = undo.use(await tempDir()).path;
  const bus = undo.adopt(new LocalBus({ logDir: dir }), (it) => it.close());
  await bus.retain(EVENTS_STREAM, 'test');
  const durable = { durable: 'other', batchMessages: 10, batchBytes: 1_000_000, batchWaitMs: 1 };
  await bus.consume({ ...durable, stream: EVENTS_STREAM, handle: async () => undefined, onError: () => undefined });
  let admitted = true;
  const ended: string[] = [];
  const tails = undo.adopt(new Tails({ bus, clock: systemClock, timing }), (it) => it.close());
  const server = createServer((request, raw) => {
    const { searchParams } = new URL(request.url ?? '', 'http://here');
    const id = request.headers['last-event-id'];
    const type = searchParams.get('type');
    tails
      .run(searchParams.get('who') ?? 'ana', {
        after: typeof id === 'string' ? readPosition(id) : undefined,
        test: eventTest(DEFAULT_TENANT, type === null ? {} : { type: type as 'tool.called' }),
        scope: () => ({ kind: 'all' }),
        isAdmitted: async () => admitted,
        response: new SseResponse(raw),
      })
      .then(() => ended.push('ended'))
      .catch((error: unknown) => raw.writeHead((error as { status?: number }).status ?? 500).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  undo.defer(
    () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    tails,
    ended,
    dismiss: () => (admitted = false),
    tail: (query = '', lastEventId?: string): Promise<SseClient> =>
      openTail(`${url}?${query}`, lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    send: (id: string, text: string) =>
      bus.publish(EVENTS_STREAM, eventsSubject(DEFAULT_TENANT, 'edge-1'), id, Buffer.from(text)),
    publish: async (first: number, last: number, fields: Partial<EventFields> = {}, emitter = 'edge-1') => {
      const lines = Array.from({ length: last - first + 1 }, (_, index) => {
        const sequence = first + index;
        const identity = { tenant: DEFAULT_TENANT, emitter, epoch, sequence, recordedAtMs: epoch + sequence };
        return `${renderEvent({ type: 'tool.called', outcome: 'ok', request_id: `r${sequence}`, ...fields }, identity)}\n`;
      });
      const id = `${emitter}/${epoch}/${first}-${last}`;
      await bus.publish(EVENTS_STREAM, eventsSubject(DEFAULT_TENANT, emitter), id, Buffer.from(lines.join('')));
    },
    [Symbol.asyncDispose]: () => undo.disposeAsync(),
  };
}

const named = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => `r${first + index}`);
const isSo = (client: SseClient, count: number) => () => client.requests().length >= count;

describe('a tail', () => {
  it('TAIL-1 shows each event once, whatever the stream has twice, also when it goes on behind one of a message', async () => {
    await using bench = await openBench();
    await using before = await bench.tail();
    await before.until((blocks) => blocks.length > 0);
    await bench.publish(1, 3);
    await bench.publish(1, 3);
    // As a forwarder sends it that was killed and knows of nothing.
    await bench.publish(2, 5);
    await before.until(isSo(before, 5));
    expect(before.requests()).toEqual(named(1, 5));
    for (const shown of before.blocks().filter(({ data }) => data !== undefined)) {
      await using after = await bench.tail('', shown.id);
      const number = Number((shown.data as { request_id: string }).request_id.slice(1));
      await after.until(isSo(after, 5 - number));
      expect(after.requests()).toEqual(named(number + 1, 5));
    }
    await using late = await bench.tail('', before.lastEventId());
    await bench.publish(5, 6);
    await late.until(isSo(late, 1));
    expect(late.requests()).toEqual(['r6']);
  });

  it('TAIL-2 leaves out what is no event, and what no column could hold', async () => {
    await using bench = await openBench();
    await using client = await bench.tail();
    await client.until((blocks) => blocks.length > 0);
    const hostile = { detail: { note: 'a\nb\u001b[2J\u2028' }, capability: 'id: 1\ndata: x' };
    const whole = { event_id: 'e/1/1', tenant: DEFAULT_TENANT, type: 'tool.called', occurred_at: '2026-01-31T00:00:00Z' };
    const lines = [{}, null, 1, { ...whole, mood: 'fine' }, { ...whole, teams: 'finance' }, { ...whole, tenant: 'other' }];
    await bench.send('x', `rubbish\n\n${lines.map((line) => `${JSON.stringify(line)}\n`).join('')}`);
    await bench.publish(2, 2, hostile);
    await client.until(isSo(client, 1));
    for (const character of ['\u001b', '\u2028']) expect(client.body()).not.toContain(character);
    expect(client.blocks().findLast(({ data }) => data !== undefined)?.data).toMatchObject({ request_id: 'r2', ...hostile });
    expect(client.requests()).toEqual(['r2']);
  });

  it('TAIL-3 moves the position on of who sees nothing, so that it stays in the stream', async () => {
    await using bench = await openBench({ heartbeatMs: 50 });
    await using client = await bench.tail('type=session.opened');
    await client.until((blocks) => blocks.length > 0);
    const begin = client.lastEventId();
    await bench.publish(1, 3);
    await client.until(() => client.lastEventId() !== begin);
    expect(client.requests()).toEqual([]);
    await using after = await bench.tail('', client.lastEventId());
    await bench.publish(4, 4);
    await after.until(isSo(after, 1));
    expect(after.requests()).toEqual(['r4']);
  });

  it('TAIL-4 says first where it cannot go on, and shows what is there', async () => {
    await using bench = await openBench();
    await bench.publish(1, 2);
    await using client = await bench.tail('', 'before-17.3');
    await client.until(isSo(client, 2));
    expect(client.blocks()[0]).toMatchObject({ event: 'reset', data: { reason: 'stream_replaced' } });
    expect(client.requests()).toEqual(['r1', 'r2']);
  });

  it('TAIL-5 lets go of a reader that does not read, who goes on where it ended', async () => {
    await using bench = await openBench({ patienceMs: 200 });
    await using client = await bench.tail();
    await client.until((blocks) => blocks.length > 0);
    client.pause();
    const long = { detail: { text: 'x'.repeat(50_000) } };
    let published = 0;
    while (bench.ended.length === 0 && published < 4_000) {
      await bench.publish(published + 1, published + 4, long);
      published += 4;
    }
    client.resume();
    await eventually(() => client.ended());
    const [last] = client.blocks().slice(-1);
    // The last words reach who reads again in time.
    if (last?.event === 'end') expect(last).toMatchObject({ data: { reason: 'slow_reader' } });
    const shown = client.requests();
    expect(shown).toEqual(named(1, shown.length));
    expect(shown.length).toBeLessThan(published);
    await using after = await bench.tail('', client.lastEventId());
    await after.until(isSo(after, published - shown.length));
    expect(after.requests()).toEqual(named(shown.length + 1, published));
  }, 300_000);

  it('TAIL-6 X7 has few of each person, and few of all', async () => {
    await using bench = await openBench();
    await using undo = new AsyncDisposableStack();
    const open = async (who: string) => undo.use(await bench.tail(`who=${who}`));
    for (let count = 0; count < TAIL_LIMITS.perPerson; count++) expect((await open('ana')).status).toBe(200);
    expect((await open('ana')).status).toBe(429);
    for (let count = TAIL_LIMITS.perPerson; count < TAIL_LIMITS.all; count++) expect((await open(`p${count}`)).status).toBe(200);
    expect((await open('somebody')).status).toBe(503);
    await undo.disposeAsync();
    await eventually(() => expect(bench.ended).toHaveLength(TAIL_LIMITS.all));
    expect((await bench.tail('who=ana')).status).toBe(200);
  });

  it('T4 TAIL-7 ends for who may not read any more, and when its process stops', async () => {
    await using bench = await openBench({ admissionMs: 20 });
    await using dismissed = await bench.tail();
    bench.dismiss();
    await eventually(() => dismissed.ended());
    expect(dismissed.blocks().at(-1)).toMatchObject({ event: 'end', data: { reason: 'no_longer_admitted' } });
    await using stopping = await openBench();
    await using client = await stopping.tail();
    await client.until((blocks) => blocks.length > 0);
    await stopping.tails.close();
    await eventually(() => client.ended());
    expect(client.blocks().at(-1)).toMatchObject({ event: 'end', data: { reason: 'closing' } });
  });
});
