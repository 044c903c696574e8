import { Cancellation } from './cancellation.js';

describe('a cancellation', () => {
  it('calls every listener once, in order, however often it is cancelled', () => {
    const cancellation = new Cancellation();
    const heard: string[] = [];
    cancellation.onCancel(() => heard.push('a'));
    cancellation.onCancel(() => heard.push('b'));
    expect(cancellation.cancelled).toBe(false);
    cancellation.cancel();
    cancellation.cancel();
    expect(heard).toEqual(['a', 'b']);
    expect(cancellation.cancelled).toBe(true);
  });

  it('calls a late listener at once', () => {
    const cancellation = new Cancellation();
    cancellation.cancel();
    const heard: string[] = [];
    cancellation.onCancel(() => heard.push('late'));
    expect(heard).toEqual(['late']);
  });

  it.each([
    ['asked for before', false],
    ['asked for after', true],
  ])('has a signal that is aborted with it: %s', (_id, late) => {
    const cancellation = new Cancellation();
    const early = late ? undefined : cancellation.signal;
    cancellation.cancel();
    expect((early ?? cancellation.signal).aborted).toBe(true);
    expect(cancellation.signal).toBe(early ?? cancellation.signal);
  });

  it.each([
    ['that will be aborted', false],
    ['that is aborted', true],
  ])('follows a signal %s', (_id, already) => {
    const controller = new AbortController();
    if (already) controller.abort();
    const cancellation = Cancellation.following(controller.signal);
    controller.abort();
    expect(cancellation.cancelled).toBe(true);
  });
});
