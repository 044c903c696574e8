import { type Evidence, type Finding, groupBy, type Invariant } from '../evidence.js';

/** I6 of the fault plan. Events of the service that signs may be younger than its newest checkpoint. */
export const trailVerifies: Invariant = {
  id: 'I6',
  says: 'links and checkpoints verify offline, with every checkpoint that was copied away meanwhile, and cover every boot to its end',
  check({ trail, events }: Evidence): Finding {
    const violations = trail.fault === undefined ? [] : [trail.fault];
    const boots = groupBy(events, ({ emitter, epoch }) => `${emitter}/${epoch}`);
    for (const [key, ofBoot] of boots) {
      if (key.startsWith('analytics/')) continue;
      const last = ofBoot.reduce((greatest, { sequence }) => Math.max(greatest, sequence), 0);
      const signed = trail.signed.get(key) ?? 0;
      if (signed < last) violations.push(`${key} is signed up to ${signed} of ${last}`);
    }
    if (trail.copies === 0) violations.push('no checkpoint was copied away');
    return {
      numbers: `${trail.events} events verified under ${trail.checkpoints} checkpoints, ${trail.copies} of them copied away`,
      violations,
    };
  },
};
