import { intersect, type Range, rangesOf, sizeOf, subtract } from './ranges.js';

const ranges = (text: string): Range[] =>
  text.split(' ').flatMap((part) => {
    const [first = '', last = first] = part.split('-');
    return part === '' ? [] : [{ first: Number(first), last: Number(last) }];
  });

describe('ranges of sequences', () => {
  it('are made of sorted numbers and of ranges that touch', () => {
    expect(rangesOf([1, 2, 3, 5, { first: 6, last: 9 }, 11])).toEqual(ranges('1-3 5-9 11'));
    expect(sizeOf(ranges('1-3 5-9 11'))).toBe(9);
  });

  it.each([
    { id: 'apart', some: '1-3', others: '5-9', both: '', rest: '1-3' },
    { id: 'equal', some: '5-9', others: '5-9', both: '5-9', rest: '' },
    { id: 'in-the-middle', some: '1-9', others: '4-5', both: '4-5', rest: '1-3 6-9' },
    { id: 'over-both-ends', some: '4-5', others: '1-9', both: '4-5', rest: '' },
    { id: 'at-an-end', some: '1-9', others: '1-2 9', both: '1-2 9', rest: '3-8' },
    { id: 'several', some: '1-5 10-15', others: '3-12', both: '3-5 10-12', rest: '1-2 13-15' },
    { id: 'none', some: '1-5', others: '', both: '', rest: '1-5' },
  ])('$id: are met and taken away', ({ some, others, both, rest }) => {
    expect(intersect(ranges(some), ranges(others))).toEqual(ranges(both));
    expect(subtract(ranges(some), ranges(others))).toEqual(ranges(rest));
  });
});
