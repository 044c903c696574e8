import type { Evidence, Finding, Invariant } from '../evidence.js';

/** I12 of the fault plan. */
export const noOwnEnds: Invariant = {
  id: 'I12',
  says: 'no process ends unless it is killed, and all end with code 0 when they are told to',
  check({ kills, unplanned, disorderly }: Evidence): Finding {
    return {
      numbers: `${kills.length} kills, ${unplanned.length} other ends`,
      violations: [
        ...unplanned.map(({ member, atMs }) => `${member} ended by itself at ${(atMs / 1000).toFixed(1)} s`),
        ...disorderly.map((member) => `${member} did not end in an orderly way`),
      ],
    };
  },
};
