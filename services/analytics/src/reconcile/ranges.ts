/** Consecutive sequences, both ends included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** Joins sorted numbers into ranges, and ranges that touch. */
export function rangesOf(sorted: Iterable<Range | number>): Range[] {
  const ranges: { first: number; last: number }[] = [];
  for (const item of sorted) {
    const { first, last } = typeof item === 'number' ? { first: item, last: item } : item;
    const before = ranges.at(-1);
    if (before !== undefined && first <= before.last + 1) before.last = Math.max(before.last, last);
    else ranges.push({ first, last });
  }
  return ranges;
}

/** What is in both. */
export function intersect(some: readonly Range[], others: readonly Range[]): Range[] {
  return some.flatMap((one) =>
    others.flatMap((other) => {
      const range = { first: Math.max(one.first, other.first), last: Math.min(one.last, other.last) };
      return range.first <= range.last ? [range] : [];
    }),
  );
}

/** What is in some and in none of the others, which are sorted. */
export function subtract(some: readonly Range[], others: readonly Range[]): Range[] {
  return some.flatMap((one) => {
    const left: Range[] = [];
    let first = one.first;
    for (const other of others) {
      if (other.last < first || other.first > one.last) continue;
      if (other.first > first) left.push({ first, last: other.first - 1 });
      first = other.last + 1;
    }
    return first <= one.last ? [...left, { first, last: one.last }] : left;
  });
}

/** How many sequences. */
export const sizeOf = (ranges: readonly Range[]) => ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
