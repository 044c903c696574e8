import { CaughtUp } from './caught-up.js';

describe('until when a sink has delivered everything (D11)', () => {
  it('is when the stream held no more than what has been delivered since', () => {
    const caughtUp = new CaughtUp(undefined);
    expect(caughtUp.reached(5)).toBeUndefined();
    caughtUp.see(10, 1_000);
    expect(caughtUp.reached(9)).toBeUndefined();
    // What comes meanwhile does not move the goal.
    caughtUp.see(20, 2_000);
    expect(caughtUp.reached(10)).toBe(1_000);
    expect(caughtUp.reached(15)).toBe(1_000);
    caughtUp.see(20, 3_000);
    expect([caughtUp.reached(19), caughtUp.reached(25)]).toEqual([1_000, 3_000]);
  });

  it('is what was known before, until more is', () => {
    const caughtUp = new CaughtUp(500);
    caughtUp.see(3, 1_000);
    expect([caughtUp.reached(2), caughtUp.reached(3)]).toEqual([500, 1_000]);
  });
});
