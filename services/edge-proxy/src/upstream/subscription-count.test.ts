import { SubscriptionCount } from './subscription-count.js';

const SUB = 'resources/subscribe';
const UNSUB = 'resources/unsubscribe';

describe('subscriptions to a shared process', () => {
  it('SC-1 are always told, and ended only when the last subscriber leaves', () => {
    const count = new SubscriptionCount();
    expect(count.mustTell(SUB, 'a', 'one')).toBe(true);
    expect(count.mustTell(SUB, 'a', 'two')).toBe(true);
    expect(count.mustTell(UNSUB, 'a', 'one')).toBe(false);
    expect(count.mustTell(UNSUB, 'a', 'two')).toBe(true);
    expect(count.uris()).toEqual([]);
  });

  it('SC-2 count a session once, however often it subscribes', () => {
    const count = new SubscriptionCount();
    count.mustTell(SUB, 'a', 'one');
    count.mustTell(SUB, 'a', 'one');
    expect(count.mustTell(UNSUB, 'a', 'one')).toBe(true);
    expect(count.has('a', 'one')).toBe(false);
  });

  it('SC-3 are not ended by a session that has none', () => {
    const count = new SubscriptionCount();
    count.mustTell(SUB, 'a', 'one');
    expect(count.mustTell(UNSUB, 'a', 'two')).toBe(false);
    expect(count.has('a', 'one')).toBe(true);
    expect(count.mustTell(UNSUB, 'b', 'two')).toBe(true);
  });

  it('SC-4 of a session that leaves are ended where nobody else has them', () => {
    const count = new SubscriptionCount();
    for (const uri of ['a', 'b', 'c']) count.mustTell(SUB, uri, 'one');
    count.mustTell(SUB, 'b', 'two');
    expect(count.leave('one')).toEqual(['a', 'c']);
    expect(count.leave('one')).toEqual([]);
    expect([count.has('b', 'one'), count.has('b', 'two')]).toEqual([false, true]);
    expect(count.uris()).toEqual(['b']);
  });

  it('SC-5 leave other methods alone', () => {
    expect(new SubscriptionCount().mustTell('resources/read', 'a', 'one')).toBe(true);
  });
});
