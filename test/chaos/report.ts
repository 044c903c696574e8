import type { Evidence } from './evidence.js';
import { INVARIANTS } from './invariants/all.js';
import type { LoadFigures } from './load.js';

const SHOWN = 8;

/** Says what was asked of the gateway, and how it was answered. */
export function describeLoad({ begun, seconds, heldBack, answers }: LoadFigures, rate: number): string {
  const ended = [...answers].sort(([, a], [, b]) => b - a).map(([name, count]) => `${count} ${name}`);
  const reached = (begun / seconds).toFixed(0);
  return `${begun} calls in ${seconds.toFixed(0)} s, ${reached} a second of ${rate} (${heldBack} held back): ${ended.join(', ')}`;
}

/** Prints each invariant, and what breaks it. @returns whether all of them hold */
export function judge(evidence: Evidence): boolean {
  const verdicts = INVARIANTS.map(({ id, says, check }) => {
    const { numbers, violations } = check(evidence);
    const holds = violations.length === 0;
    console.log(`${holds ? 'PASS' : 'FAIL'}  ${id.padEnd(4)} ${says}`);
    console.log(`           ${numbers}`);
    for (const violation of violations.slice(0, SHOWN)) console.log(`           - ${violation.slice(0, 600)}`);
    if (violations.length > SHOWN) console.log(`           - and ${violations.length - SHOWN} more`);
    return holds;
  });
  return verdicts.every((holds) => holds);
}
