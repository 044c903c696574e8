import fc from 'fast-check';
import { decodeCursor, encodeCursor } from './cursor.js';

const decimal = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a cursor', () => {
  it('is read as it was written', () => {
    const place = fc.record({
      occurredAtMs: fc.integer({ min: -8.64e15, max: 8.64e15 }),
      emitter: fc.string(),
      epoch: decimal,
      sequence: decimal,
      eventId: fc.string(),
    });
    fc.assert(fc.property(place, (it) => expect(decodeCursor(encodeCursor(it))).toEqual(it)));
  });

  it('can be the time and the id of an event, as they are shown', () => {
    expect(decodeCursor('2026-01-31T23:59:00.005Z,ü,/"/17/42')).toEqual({
      occurredAtMs: Date.UTC(2026, 0, 31, 23, 59, 0, 5),
      emitter: 'ü,/"',
      epoch: '17',
      sequence: '42',
      eventId: 'ü,/"/17/42',
    });
  });

  it.each([
    ['empty', ''],
    ['event-no-time', 'yesterday,edge-1/1/1'],
    ['event-no-sequence', '2026-01-31T23:59:00Z,edge-1/1/x'],
    ['event-over-64-bit', '2026-01-31T23:59:00Z,edge-1/1/18446744073709551616'],
    ['words', 'next page please'],
    ['no-array', base64url({ at: 1 })],
    ['short', base64url([1, 'e', '1', '1'])],
    ['long', base64url([1, 'e', '1', '1', 'id', 'more'])],
    ['number-as-text', base64url(['1', 'e', '1', '1', 'id'])],
    ['not-decimal', base64url([1, 'e', '1; DROP', '1', 'id'])],
    ['no-time', base64url([8.64e15 + 1, 'e', '1', '1', 'id'])],
    ['over-64-bit', base64url([1, 'e', '18446744073709551616', '1', 'id'])],
  ])('%s: is refused', (_id, text) => {
    expect(decodeCursor(text)).toBeUndefined();
  });
});
