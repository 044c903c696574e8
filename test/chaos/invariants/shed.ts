import type { SeenEvent } from '../evidence.js';

/** By emitter and what they were, such as `tool.called ok`: how many events an emitter said, in `audit.shed`, that it could not record. */
export function shedBy(events: readonly SeenEvent[]): Map<string, Map<string, number>> {
  const shed = new Map<string, Map<string, number>>();
  for (const { type, emitter, detail = {} } of events) {
    if (type !== 'audit.shed') continue;
    const counts = shed.get(emitter) ?? new Map<string, number>();
    shed.set(emitter, counts);
    for (const [name, count] of Object.entries(detail))
      if (name.includes(' ')) counts.set(name, (counts.get(name) ?? 0) + Number(count));
  }
  return shed;
}

/** How many of those names that match. */
export function sumOf(counts: ReadonlyMap<string, number> | undefined, matches: (name: string) => boolean): number {
  return [...(counts ?? [])].reduce((sum, [name, count]) => (matches(name) ? sum + count : sum), 0);
}
