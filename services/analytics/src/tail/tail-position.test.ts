import { startOf } from './tail.js';
import { readPosition, writePosition, type TailPosition } from './tail-position.js';

describe('the position of a tail', () => {
  it.each<readonly [string, TailPosition]>([
    ['whole-message', { incarnation: '20260131T235900Z', sequence: 12 }],
    ['line', { incarnation: 'a1b2', sequence: 12, line: 3 }],
    ['nothing-yet', { incarnation: 'a1b2', sequence: 0 }],
  ])('%s: is read as it was written', (_id, position) => {
    expect(readPosition(writePosition(position))).toEqual(position);
  });

  it.each([
    ['empty', ''],
    ['words', 'the last one'],
    ['no-sequence', 'a1b2-'],
    ['negative', 'a1b2--1'],
    ['line-empty', 'a1b2-1.'],
    ['not-decimal', 'a1b2-0x1'],
    ['too-large', `a1b2-${'9'.repeat(16)}`],
    ['behind', 'a1b2-1.1 '],
  ])('%s: is refused', (_id, text) => {
    expect(readPosition(text)).toBeUndefined();
  });
});

describe('where a tail begins', () => {
  const extent = { incarnation: 'now', first: 10, last: 20 };
  const at = (sequence: number, line?: number, incarnation = 'now'): TailPosition => ({
    incarnation,
    sequence,
    ...(line === undefined ? {} : { line }),
  });
  it.each<readonly [string, TailPosition | undefined, TailPosition, string | undefined]>([
    ['first-time', undefined, at(20), undefined],
    ['in-the-middle', at(15), at(15), undefined],
    ['within-a-message', at(15, 2), at(15, 2), undefined],
    ['at-the-end', at(20), at(20), undefined],
    ['just-kept', at(9), at(9), undefined],
    ['within-the-oldest', at(10, 1), at(10, 1), undefined],
    ['one-too-old', at(8), at(9), 'position_expired'],
    ['rest-of-a-message-gone', at(9, 1), at(9), 'position_expired'],
    ['from-the-future', at(21), at(20), 'stream_replaced'],
    ['of-another-stream', at(15, 1, 'before'), at(9), 'stream_replaced'],
  ])('%s', (_id, after, expected, reason) => {
    const start = startOf(after, extent);
    expect(start.at).toEqual(expected);
    expect(start.reset?.reason).toBe(reason);
  });

  it('in a stream that has nothing', () => {
    const empty = { incarnation: 'now', first: 0, last: 0 };
    expect(startOf(undefined, empty)).toEqual({ at: at(0) });
    expect(startOf(at(0), { ...empty, first: 1 })).toEqual({ at: at(0) });
  });
});
