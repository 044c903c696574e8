import { eventually } from '@switchyard/testing';
import { readEventId, streamName } from './event-id.js';
import { EventLog } from './event-log.js';
import { KeptEvents, SessionStreams } from './session-streams.js';

const KEY = 'abcdefghijkl';
const silence = () => undefined;

describe('ids of events', () => {
  const id = `${streamName('session-1', 'edge-ä', '"call 1"', KEY)}.12`;

  it.each([
    ['EI-1 is read by the session that it was given to', 'session-1', id, true],
    ['EI-2 is nothing to another session', 'session-2', id, false],
    ['EI-3 of another stream is not made by changing one', 'session-1', id.replace(KEY, 'bbbbbbbbbbbb'), false],
    ['EI-4 of another call is not made by changing one', 'session-1', id.replace(/\.[^.]+/, '.Nw'), false],
    ['EI-5 without a number is none', 'session-1', id.replace(/\d+$/, ''), false],
    ['EI-6 with a number that is none is none', 'session-1', `${id}e5`, false],
    ['EI-7 that is empty is none', 'session-1', '', false],
  ])('%s', (_id, session, text, known) => {
    const place = readEventId(session, text);
    expect(place !== undefined).toBe(known);
    if (known) expect(place).toMatchObject({ edge: 'edge-ä', requestId: '"call 1"', sequence: 12 });
  });
});

describe('the log of a stream', () => {
  it('EL-1 abandons its call when no reader comes back in time', async () => {
    const log = new EventLog('s');
    const reader = {};
    let abandoned = 0;
    log.onAbandoned(() => (abandoned += 1));
    log.attach(reader, silence);
    log.detach({}, 0);
    log.detach(reader, 10);
    await eventually(() => abandoned === 1);
    log.abandon();
    expect(abandoned).toBe(1);
  });

  it('EL-2 does not where another reader has come, and lets the first one go', () => {
    const log = new EventLog('s');
    const [first, second] = [{}, {}];
    let letGo = 0;
    log.attach(first, () => (letGo += 1));
    log.attach(second, silence);
    log.detach(first, 0);
    expect([letGo, log.isReader(second)]).toEqual([1, true]);
  });
});

describe('what a session keeps of its streams', () => {
  const streams = () => new SessionStreams('session-1', '2025-11-25', new KeptEvents('edge-1', silence));

  it.each([
    ['SS-1 so many events', 1_200, 10, 1_000],
    ['SS-2 so many bytes', 40, 100 * 1024, 10],
    ['SS-3 the newest event, whatever its size', 2, 3 * 1024 * 1024, 1],
  ])('is bounded: %s', (_id, count, bytes, kept) => {
    const session = streams();
    const log = session.begin('1')!;
    const ids = Array.from({ length: count }, () => session.append(log, Buffer.alloc(bytes)));
    expect(log.after(0).map(({ id }) => id)).toEqual(ids.slice(-kept));
    expect(new Set(ids).size).toBe(count);
  });

  it('SS-4 lets go of the oldest stream’s events first', () => {
    const session = streams();
    const [old, recent] = [session.begin('1')!, session.begin('2')!];
    session.append(recent, Buffer.alloc(600 * 1024));
    session.append(old, Buffer.alloc(400 * 1024));
    session.append(recent, Buffer.alloc(200 * 1024));
    expect([old.count, recent.count]).toEqual([0, 2]);
  });

  it('SS-5 does not keep the stream of a request whose id is too long for an event id', () => {
    expect(streams().begin(`"${'x'.repeat(300)}"`)).toBeUndefined();
  });

  it('SS-6 is bounded over all sessions of an edge', () => {
    const kept = new KeptEvents('edge-1', silence);
    const logs = Array.from({ length: 80 }, (_, index) => {
      const session = new SessionStreams(`session-${index}`, '2025-11-25', kept);
      const log = session.begin('1')!;
      session.append(log, Buffer.alloc(1024 * 1024));
      return log;
    });
    expect(logs.filter(({ count }) => count > 0)).toEqual(logs.slice(-64));
  });

  it('SS-7 ends with the session, and so do its calls', () => {
    const session = streams();
    const log = session.begin('1')!;
    let abandoned = 0;
    log.onAbandoned(() => (abandoned += 1));
    session.append(log, Buffer.from('x'));
    session.close();
    expect([abandoned, session.find(log.name)]).toEqual([1, undefined]);
  });
});
