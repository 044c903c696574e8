/** A problem of a value, placed below it. */
export interface PlacedProblem {
  readonly path: PropertyKey[];
  readonly message: string;
}
