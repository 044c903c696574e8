import { RecentWrites } from './recent-writes.js';

const first = { epoch: 1, number: 1 };
const second = { epoch: 1, number: 2 };

/** Three groups of records, the last one in a segment of its own. */
function recent(): RecentWrites {
  const writes = new RecentWrites();
  writes.add(first, 0, Buffer.from('aa\nbb\n'));
  writes.add(first, 6, Buffer.from('cc\n'));
  writes.add(second, 0, Buffer.from('dd\n'));
  return writes;
}

const ROWS = [
  ['from-the-start', first, 0, 100, 'aa\nbb\ncc\n'],
  ['within-a-group', first, 3, 100, 'bb\ncc\n'],
  ['limit-on-a-group', first, 0, 6, 'aa\nbb\n'],
  ['limit-within-a-group', first, 0, 5, 'aa\n'],
  ['limit-within-the-second-group', first, 0, 8, 'aa\nbb\n'],
  ['record-beyond-the-limit', first, 3, 1, 'bb\n'],
  ['next-segment', second, 0, 100, 'dd\n'],
  ['behind-the-end', second, 3, 100, undefined],
  ['not-kept', { epoch: 0, number: 9 }, 0, 100, undefined],
] as const;

describe('recent writes', () => {
  it.each(ROWS)('%s', (_id, segment, offset, limitBytes, expected) => {
    const parts = recent().take(segment, offset, limitBytes);
    expect(parts && Buffer.concat(parts).toString()).toBe(expected);
  });

  it('forgets what stands before the place that is taken', () => {
    const writes = recent();
    writes.take(first, 6, 100);
    expect(writes.take(first, 0, 100)).toBeUndefined();
    expect(writes.take(second, 0, 100)).toEqual([Buffer.from('dd\n')]);
  });

  it('keeps 4 MiB', () => {
    const writes = new RecentWrites();
    const data = Buffer.from(`${'x'.repeat(1024 ** 2 - 1)}\n`);
    for (let index = 0; index < 6; index++) writes.add(first, index * data.length, data);
    expect(writes.take(first, data.length, 100)).toBeUndefined();
    expect(writes.take(first, 2 * data.length, 2 * data.length)).toHaveLength(2);
  });
});
