import type { Invariant } from '../evidence.js';
import { noOwnEnds } from './i12-no-own-ends.js';
import { nothingHeld } from './i13-nothing-held.js';
import { answeredOnce } from './i1-answered-once.js';
import { executedKnown } from './i2-executed-known.js';
import { nothingMadeUp } from './i3-nothing-made-up.js';
import { noGaps } from './i4-no-gaps.js';
import { eachOnce } from './i5-each-once.js';
import { trailVerifies } from './i6-trail-verifies.js';

/** Everything that a run is judged by. */
export const INVARIANTS: readonly Invariant[] = [
  answeredOnce,
  executedKnown,
  nothingMadeUp,
  noGaps,
  eachOnce,
  trailVerifies,
  noOwnEnds,
  nothingHeld,
];
