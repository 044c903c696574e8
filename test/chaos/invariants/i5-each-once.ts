import type { Evidence, Finding, Invariant } from '../evidence.js';

const SHOWN = 5;

/** I5 of the fault plan. */
export const eachOnce: Invariant = {
  id: 'I5',
  says: 'whoever reads gets each event once, however often it was delivered, and usage counts each call once',
  check({ events, rows }: Evidence): Finding {
    const seen = new Set<string>();
    const twice = events.flatMap(({ event_id: id }) => (seen.size === seen.add(id).size ? [id] : []));
    const violations: string[] = [];
    if (twice.length > 0) violations.push(`${twice.length} events are read more than once: ${twice.slice(0, SHOWN).join(', ')}`);
    if (rows.read !== rows.distinct) violations.push(`${rows.read} rows are read of ${rows.distinct} events`);
    if (seen.size < rows.distinct) violations.push(`the API shows ${seen.size} of ${rows.distinct} events`);
    if (rows.counted !== rows.ofCounted) violations.push(`usage counts ${rows.counted} of ${rows.ofCounted} calls`);
    if (rows.sequences !== rows.ofSequences)
      violations.push(`gaps are looked for in ${rows.sequences} sequences of ${rows.ofSequences} events`);
    return {
      numbers: `${rows.inserted} rows inserted, ${rows.distinct} different, ${rows.read} read, ${events.length} by the API; ${rows.counted} calls in usage`,
      violations,
    };
  },
};
