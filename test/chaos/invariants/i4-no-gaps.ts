import { type Evidence, type Finding, groupBy, type Invariant } from '../evidence.js';

interface Range {
  readonly first: number;
  readonly last: number;
}

/** Sequences from 1 to `through` that are not among those given, sorted. */
function missingOf(sequences: readonly number[], through: number): Range[] {
  const missing: Range[] = [];
  let next = 1;
  for (const sequence of [...sequences, through + 1]) {
    if (sequence > next) missing.push({ first: next, last: sequence - 1 });
    next = Math.max(next, sequence + 1);
  }
  return missing;
}

const SHOWN = 5;

function absentFrom(where: string, ids: ReadonlySet<string>, present: ReadonlySet<string>): string[] {
  const absent = [...ids].filter((id) => !present.has(id));
  return absent.length === 0 ? [] : [`${absent.length} events of ${where} are missing: ${absent.slice(0, SHOWN).join(', ')}`];
}

/** I4 of the fault plan; what is in the stream, in spools, and what emitters said that they had recorded, has to be there as well. */
export const noGaps: Invariant = {
  id: 'I4',
  says: 'the sequence of each emitter and boot is without gaps, or the gap is on record; everything that was recorded has arrived',
  check({ events, said, openGaps, stream, spooled, damaged }: Evidence): Finding {
    const boots = groupBy(events, ({ emitter, epoch }) => `${emitter}/${epoch}`);
    const through = new Map(said.map(({ emitter, epoch, written }) => [`${emitter}/${epoch}`, written]));
    const keys = [...new Set([...boots.keys(), ...through.keys()])].filter(
      (key) => boots.has(key) || (through.get(key) ?? 0) > 0,
    );
    const violations = keys.flatMap((key) => {
      const sequences = (boots.get(key) ?? []).map(({ sequence }) => sequence).sort((a, b) => a - b);
      const isOnRecord = ({ first, last }: Range) =>
        openGaps.some((gap) => `${gap.emitter}/${gap.epoch}` === key && gap.first <= first && gap.last >= last);
      const missing = missingOf(sequences, Math.max(sequences.at(-1) ?? 0, through.get(key) ?? 0));
      return missing.flatMap((range) => (isOnRecord(range) ? [] : [`${key}: ${range.first} to ${range.last} are missing`]));
    });
    const present = new Set(events.map(({ event_id: id }) => id));
    violations.push(...absentFrom('the stream', stream.ids, present), ...absentFrom('the spools', spooled, present));
    violations.push(...damaged.map((file) => `records were damaged: ${file}`));
    return {
      numbers: `${events.length} events of ${keys.length} boots, ${openGaps.length} open gaps; ${stream.lines} lines in ${stream.messages} messages of the stream`,
      violations,
    };
  },
};
