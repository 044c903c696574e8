import { eventually } from './eventually.js';
import { FakeClock } from './fake-clock.js';
import { tempDir } from './temp-dir.js';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';

describe('eventually', () => {
  it('hands back the first value that is not false', async () => {
    let tries = 0;
    expect(await eventually(() => (++tries < 3 ? false : 'done'), { everyMs: 1 })).toBe('done');
  });

  it('throws what the last try threw', async () => {
    await expect(eventually(() => Promise.reject(new Error('no')), { timeoutMs: 10, everyMs: 1 })).rejects.toThrow('no');
    await expect(eventually(() => false, { timeoutMs: 10, everyMs: 1 })).rejects.toThrow('still false after 10 ms');
  });
});

it('a FakeClock moves only when told', () => {
  const clock = new FakeClock(1_000);
  clock.advance(5);
  expect([clock.now(), clock.monotonicMicros()]).toEqual([1_005, 5_000]);
  clock.setWallClock(10);
  expect([clock.now(), clock.monotonicMicros()]).toEqual([10, 5_000]);
});

it('a tempDir goes with its scope', async () => {
  let at: string;
  {
    await using dir = await tempDir();
    at = dir.path;
    writeFileSync(path.join(at, 'file'), '');
    expect(existsSync(at)).toBe(true);
  }
  expect(existsSync(at)).toBe(false);
});
