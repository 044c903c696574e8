import type { EventView } from '@switchyard/contracts';

/**
 * Puts events into the order in which they happened: those of one boot of one emitter always by its own count, whatever its clock did;
 * between emitters by their clocks.
 */
export function inOrder(events: readonly EventView[]): EventView[] {
  const queues = [...Map.groupBy(events, ({ emitter, epoch }) => `${emitter}/${epoch}`).values()].map((queue) =>
    queue.toSorted((a, b) => Number(BigInt(a.sequence ?? 0) - BigInt(b.sequence ?? 0))),
  );
  const ordered: EventView[] = [];
  while (ordered.length < events.length) {
    const [earliest] = queues
      .filter((queue) => queue.length > 0)
      .sort((a, b) => Date.parse(a[0]?.occurred_at ?? '') - Date.parse(b[0]?.occurred_at ?? ''));
    const next = earliest?.shift();
    if (next === undefined) throw new Error('an event is in no queue');
    ordered.push(next);
  }
  return ordered;
}
