/**
 * Asserts that something is done within a time, on a machine that may be busy with other things: it gets three tries.
 * @param attempt each from the beginning; says how long what is asserted took, milliseconds
 */
export async function expectWithin(limitMs: number, attempt: () => Promise<number>): Promise<void> {
  const tookMs: number[] = [];
  while (tookMs.length < 3 && !tookMs.some((ms) => ms <= limitMs)) tookMs.push(await attempt());
  expect(Math.min(...tookMs)).toBeLessThanOrEqual(limitMs);
}
