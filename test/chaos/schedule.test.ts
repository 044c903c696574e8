import { FAULT_KINDS, type FaultKindName } from './fault-kinds.js';
import { scheduleOf } from './schedule.js';

const LENGTH_MS = 150_000;

describe('the schedule of a seed', () => {
  it('is the same every time, and another for another seed', () => {
    expect(scheduleOf(7, LENGTH_MS)).toEqual(scheduleOf(7, LENGTH_MS));
    expect(scheduleOf(7, LENGTH_MS)).not.toEqual(scheduleOf(8, LENGTH_MS));
  });

  it.each([1, 2, 3])('of seed %i has at least 20 faults: every kind on every target, in order, within its time', (seed) => {
    const faults = scheduleOf(seed, LENGTH_MS);
    const kinds = Object.keys(FAULT_KINDS) as FaultKindName[];
    const all = kinds.flatMap((kind) => FAULT_KINDS[kind].targets.map((target) => `${kind} ${target}`));
    expect(faults.length).toBeGreaterThanOrEqual(20);
    expect(faults.map(({ kind, target }) => `${kind} ${target}`).sort()).toEqual(all.sort());
    expect(faults.map(({ atMs }) => atMs)).toEqual(faults.map(({ atMs }) => atMs).sort((a, b) => a - b));
    expect(faults.every(({ atMs }) => atMs > 0 && atMs < LENGTH_MS)).toBe(true);
  });

  it('keeps its faults short where it is short', () => {
    expect(Math.max(...scheduleOf(5, 30_000).map(({ lastsMs }) => lastsMs))).toBeLessThan(2_500);
  });
});
