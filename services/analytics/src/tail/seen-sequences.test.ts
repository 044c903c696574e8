import { SeenSequences } from './seen-sequences.js';

describe('sequences that came by', () => {
  it.each<readonly [string, readonly string[], readonly (readonly [number, number])[]]>([
    ['first', ['e/1/1-3'], [[1, 3]]],
    ['again', ['e/1/1-3', 'e/1/1-3'], []],
    ['cut-in-another-way', ['e/1/1-3', 'e/1/2-5'], [[4, 5]]],
    ['around', ['e/1/4-5', 'e/1/1-9'], [[1, 3], [6, 9]]], // prettier-ignore
    ['out-of-turn', ['e/1/4-5', 'e/1/1-3'], [[1, 3]]],
    ['other-boot', ['e/1/1-3', 'e/2/1-3'], [[1, 3]]],
    ['other-emitter', ['e/1/1-3', 'f/1/1-3'], [[1, 3]]],
    ['slash-in-the-name', ['e/f/1/1-3', 'e/f/1/3-4'], [[4, 4]]],
  ])('%s', (_id, messages, expected) => {
    const seen = new SeenSequences();
    const last = messages.map((message) => seen.take(message)).at(-1);
    expect(last?.map(({ first, last: end }) => [first, end])).toEqual(expected);
  });

  it('what no forwarder made has none', () => {
    expect(new SeenSequences().take('something')).toBeUndefined();
  });

  it('of a thousand emitters are remembered, not of more', () => {
    const seen = new SeenSequences();
    for (let index = 0; index <= 1_000; index++) seen.take(`e${index}/1/1-1`);
    expect(seen.take('e1000/1/1-1')).toEqual([]);
    expect(seen.take('e0/1/1-1')).toEqual([{ first: 1, last: 1 }]);
  });
});
