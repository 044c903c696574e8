import { InHand } from './in-hand.js';
import { Running } from './running.js';

describe('what is running', () => {
  it('is what was added and not removed, in whatever order', () => {
    const running = new Running<{ place: number; id: number }>();
    const items = Array.from({ length: 7 }, (_, id) => ({ place: -1, id }));
    for (const item of items) running.add(item);
    for (const id of [6, 0, 3]) running.remove(items[id]!);
    expect(running.size).toBe(4);
    expect(
      running
        .all()
        .map(({ id }) => id)
        .sort(),
    ).toEqual([1, 2, 4, 5]);
    for (const id of [1, 2, 4, 5]) running.remove(items[id]!);
    expect(running.size).toBe(0);
  });
});

describe('what is in hand', () => {
  it('is found by its id until it is deleted', () => {
    const inHand = new InHand<string>();
    inHand.set('1', 'a');
    inHand.set('1', 'b');
    inHand.set('__proto__', 'c');
    expect([inHand.size, inHand.get('1'), inHand.get('__proto__'), inHand.get('toString')]).toEqual([2, 'b', 'c', undefined]);
    inHand.delete('1');
    inHand.delete('1');
    expect([inHand.size, inHand.values()]).toEqual([1, ['c']]);
  });
});
