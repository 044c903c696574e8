import { FakeClock } from '@switchyard/testing';
import { ReadsPerMinute } from './reads-per-minute.js';

it('gives each reader so many in a minute, and says when there are more', () => {
  const clock = new FakeClock(120_000);
  const reads = new ReadsPerMinute(2, clock);
  const taken = (reader: string) => [reads.take(reader), reads.take(reader), reads.take(reader)];
  expect(taken('ann')).toEqual([undefined, undefined, 60]);
  expect(taken('bob')).toEqual([undefined, undefined, 60]);
  clock.advance(45_500);
  expect(reads.take('ann')).toBe(15);
  clock.advance(14_500);
  expect(taken('ann')).toEqual([undefined, undefined, 60]);
});
