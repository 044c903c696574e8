import type { Received, Reply } from './http-receiver.fixture.js';

/** A product that events are sent to, as far as it can be seen from outside. */
export interface FakeProduct extends AsyncDisposable {
  /** The sink's settings for it, without `type`. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Values of the references in them, by path. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Ids of the events that it has, in the order in which it took them, repetitions too. */
  taken(): readonly string[];
  /** Is asked before the product itself whether it answers otherwise; undefined: the product decides. */
  fault: ((request: Received) => Reply | undefined) | undefined;
  /** Events that it does not take, ever: a predicate over ids. Undefined where the product cannot say so of one event. */
  poison?: (id: string) => boolean;
  /** Goes away, or comes back, where an answer of HTTP cannot say so. */
  away?: (isAway: boolean) => Promise<void>;
  /** How many events it takes of a request before it says of the rest that it is busy; Infinity unless told. */
  partial?: number;
}

/** Each once, in the order of the first. */
export const once = (ids: readonly string[]): string[] => [...new Set(ids)];

const place = (id: string) => id.split('/') as [emitter: string, epoch: string, sequence: string];

/** Nothing is missing, nothing is there that was not sent, and what an emitter said is in its order. */
export function expectWhole(taken: readonly string[], expected: readonly string[]): void {
  const seen = once(taken);
  expect([...seen].sort()).toEqual([...expected].sort());
  for (const emitter of new Set(expected.map((id) => place(id)[0]))) {
    const sequences = seen.filter((id) => place(id)[0] === emitter).map((id) => Number(place(id)[2]));
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
  }
}
