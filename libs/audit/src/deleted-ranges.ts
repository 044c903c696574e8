import type { ChainHead } from './chain-check.js';
import type { DeletedRange, RetentionRecord } from './retention-record.js';

interface OfChain {
  /** By their first sequence. */
  readonly ranges: readonly DeletedRange[];
  /** Index of the first that a head has not passed. Heads only go on. */
  next: number;
}

/** What retention has taken out of a trail, as records say. */
export class DeletedRanges {
  readonly #chains = new Map<string, OfChain>();
  #passed = 0;

  constructor(records: readonly RetentionRecord[]) {
    const ranges = new Map<string, DeletedRange[]>();
    for (const record of records)
      for (const [chain, of] of Object.entries(record.ranges)) ranges.set(chain, [...(ranges.get(chain) ?? []), ...of]);
    for (const [chain, of] of ranges) this.#chains.set(chain, { ranges: of.sort(([one], [other]) => one - other), next: 0 });
  }

  /** How many records of trails were passed over. */
  get passed(): number {
    return this.#passed;
  }

  /**
   * Where a chain goes on behind what was deleted.
   * @param head up to where it is known
   * @returns undefined where no record covers what follows
   */
  behind(chain: string, head: ChainHead): ChainHead | undefined {
    const known = this.#chains.get(chain);
    if (known === undefined) return undefined;
    let at = head;
    for (;;) {
      const range = covering(known, at);
      if (range === undefined) break;
      const [, last, , link] = range;
      this.#passed += last - at.sequence;
      at = { sequence: last, link };
    }
    return at === head ? undefined : at;
  }
}

/** Of the ranges that what follows is in, the one that goes on longest. */
function covering(known: OfChain, { sequence, link }: ChainHead): DeletedRange | undefined {
  while (known.next < known.ranges.length && known.ranges[known.next]![1] <= sequence) known.next += 1;
  let longest: DeletedRange | undefined;
  for (let index = known.next; index < known.ranges.length; index++) {
    const range = known.ranges[index]!;
    const [first, last, before] = range;
    if (first > sequence + 1) break;
    // Behind the record that is there, the chain has to be the one that was deleted from.
    const follows = first <= sequence || before === link;
    if (follows && last > sequence && last > (longest?.[1] ?? 0)) longest = range;
  }
  return longest;
}
