/** What all share that have no series of their own. */
const OTHER = 'other';
const LABEL_LIMIT_CHARACTERS = 128;

/**
 * Series by a label that others choose the values of, such as the names of tools: the first so many have one each, and all later ones
 * share `other`. A metrics store pays for every value that was ever seen, so nobody outside may have it see as many as they like.
 */
export class CappedSeries<Series> {
  readonly #limit: number;
  readonly #begin: (label: string) => Series;
  readonly #series = new Map<string, Series>();
  #other: Series | undefined;

  /** @param begin called once for each label that has a series */
  constructor(limit: number, begin: (label: string) => Series) {
    this.#limit = limit;
    this.#begin = begin;
  }

  /** The series of a label; undefined: that of none. @param begins whether it may get one of its own now */
  of(label: string | undefined, begins = true): Series {
    const known = label === undefined ? undefined : this.#series.get(label);
    if (known !== undefined) return known;
    const isTold = begins && label !== undefined && label !== OTHER && label.length <= LABEL_LIMIT_CHARACTERS;
    if (!isTold || this.#series.size >= this.#limit) return (this.#other ??= this.#begin(OTHER));
    const series = this.#begin(label);
    this.#series.set(label, series);
    return series;
  }
}
