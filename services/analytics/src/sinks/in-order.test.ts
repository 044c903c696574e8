import { InOrder } from './in-order.js';

let position = 0;
const message = (messageId: string) => ({ messageId, subject: '', sequence: String(++position), data: new Uint8Array() });
const ids = (messages: readonly { readonly messageId: string }[]) => messages.map(({ messageId }) => messageId);

beforeEach(() => (position = 0));

describe('InOrder', () => {
  it.each<{ id: string; arrive: string[]; ready: string[]; held?: number; safe?: number }>([
    { id: 'IO1 in order', arrive: ['e/1/1-2', 'e/1/3-3'], ready: ['e/1/1-2', 'e/1/3-3'] },
    { id: 'IO2 one late', arrive: ['e/1/1-2', 'e/1/4-9', 'e/1/3-3'], ready: ['e/1/1-2', 'e/1/3-3', 'e/1/4-9'] },
    {
      id: 'IO3 several late',
      arrive: ['e/1/1-1', 'e/1/4-4', 'e/1/3-3', 'e/1/5-5', 'e/1/2-2'],
      ready: ['e/1/1-1', 'e/1/2-2', 'e/1/3-3', 'e/1/4-4', 'e/1/5-5'],
    },
    { id: 'IO4 others do not wait', arrive: ['e/1/1-1', 'e/1/3-3', 'f/1/1-1'], ready: ['e/1/1-1', 'f/1/1-1'], held: 1, safe: 1 },
    { id: 'IO5 begins anywhere', arrive: ['e/1/7-9', 'e/1/10-10'], ready: ['e/1/7-9', 'e/1/10-10'] },
    { id: 'IO6 another boot', arrive: ['e/1/1-1', 'e/2/1-1', 'e/2/2-2'], ready: ['e/1/1-1', 'e/2/1-1', 'e/2/2-2'] },
    { id: 'IO7 another boot, late', arrive: ['e/1/1-1', 'e/2/2-2', 'e/2/1-1'], ready: ['e/1/1-1', 'e/2/1-1', 'e/2/2-2'] },
    {
      id: 'IO8 what came before comes again',
      arrive: ['e/1/1-5', 'e/1/1-5', 'e/1/6-6'],
      ready: ['e/1/1-5', 'e/1/1-5', 'e/1/6-6'],
    },
    {
      id: 'IO9 names with slashes',
      arrive: ['a/b/1/1-1', 'a/b/1/3-3', 'a/b/1/2-2'],
      ready: ['a/b/1/1-1', 'a/b/1/2-2', 'a/b/1/3-3'],
    },
    { id: 'IO10 no batch of a forwarder', arrive: ['x', 'e/1/1-1', ''], ready: ['x', 'e/1/1-1', ''] },
    { id: 'IO11 the boot before, late', arrive: ['e/1/1-1', 'e/2/1-1', 'e/1/2-2'], ready: ['e/1/1-1', 'e/2/1-1', 'e/1/2-2'] },
  ])('$id', ({ arrive, ready, held = 0, safe = Infinity }) => {
    const inOrder = new InOrder(30_000);
    expect(ids(inOrder.take(arrive.map(message), 0))).toEqual(ready);
    expect([inOrder.heldCount, inOrder.safeSequence]).toEqual([held, safe]);
  });

  it('waits as long as it is told, not for ever', () => {
    const inOrder = new InOrder(1_000);
    expect(ids(inOrder.take(['e/1/1-1', 'e/1/5-5', 'e/1/3-3', 'e/1/6-6'].map(message), 0))).toEqual(['e/1/1-1']);
    expect(inOrder.take([], 999)).toEqual([]);
    expect(ids(inOrder.take([], 1_000))).toEqual(['e/1/3-3', 'e/1/5-5', 'e/1/6-6']);
    // What comes late after all is not lost.
    expect(ids(inOrder.take([message('e/1/2-2')], 2_000))).toEqual(['e/1/2-2']);
  });

  it('remembers over a restart what it waits for', () => {
    const before = new InOrder(1_000);
    before.take(['e/1/1-1', 'e/1/3-3'].map(message), 0);
    expect(before.safeSequence).toBe(1);
    const after = new InOrder(1_000, before.expected());
    position = 1;
    expect(ids(after.take(['e/1/3-3', 'e/1/2-2'].map(message), 0))).toEqual(['e/1/2-2', 'e/1/3-3']);
  });

  it('forgets emitters that were heard long ago', () => {
    const inOrder = new InOrder(1_000);
    inOrder.take(
      Array.from({ length: 1_200 }, (_, index) => message(`e${index}/1/1-1`)),
      0,
    );
    expect(Object.keys(inOrder.expected())).toHaveLength(1_000);
  });
});
