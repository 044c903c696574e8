import { type Random, randomFrom } from '../fuzz/random.mjs';
import { FAULT_KINDS, type FaultKindName } from './fault-kinds.js';

/** One thing that goes wrong. */
export interface Fault {
  /** After the start of the load. */
  readonly atMs: number;
  readonly kind: FaultKindName;
  readonly target: string;
  readonly lastsMs: number;
  /** Of a clock: how far it is set. */
  readonly amountMs: number;
}

/** Clients have been at work for so long when the first thing goes wrong. */
const QUIET_MS = 4_000;
/** A schedule of this length has faults of their full length; shorter ones have shorter faults. */
const FULL_MS = 150_000;

/**
 * Draws what goes wrong when. Each kind of fault hits each of its targets once, in an order and at times of the seed's own; they overlap as
 * they come.
 */
export function scheduleOf(seed: number, lengthMs: number): readonly Fault[] {
  const random = randomFrom(seed);
  const names = Object.keys(FAULT_KINDS) as FaultKindName[];
  const all = names.flatMap((kind) => FAULT_KINDS[kind].targets.map((target) => ({ kind, target })));
  const slotMs = (lengthMs - QUIET_MS) / all.length;
  return shuffled(random, all).map(({ kind, target }, index) => {
    const { lastsMs, amounts = [0] }: { lastsMs: readonly [number, number]; amounts?: readonly number[] } = FAULT_KINDS[kind];
    const share = Math.min(1, lengthMs / FULL_MS);
    return {
      atMs: Math.round(QUIET_MS + (index + random()) * slotMs),
      kind,
      target,
      lastsMs: Math.round(share * (lastsMs[0] + random() * (lastsMs[1] - lastsMs[0]))),
      amountMs: amounts[Math.floor(random() * amounts.length)] ?? 0,
    };
  });
}

/** Fisher and Yates' way. */
function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const result = [...list];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [result[last], result[other]] = [result[other]!, result[last]!];
  }
  return result;
}
