import type { EventFields, EventJson, EventType } from '@switchyard/contracts';

/** Members that another event has of its own. */
const OWN = ['event_id', 'emitter', 'epoch', 'sequence', 'recorded_at', 'chain', 'detail'] as const;

/**
 * The outcome of something that was begun by a process which did not live to record how it ended: nobody knows.
 * @param line its intent, as it was recorded
 */
export function unknownOutcome(line: string): EventFields & Required<Pick<EventFields, 'detail'>> {
  const intent = JSON.parse(line) as EventJson;
  const { intent_of: type = 'tool.called', ...detail } = intent.detail ?? {};
  const fields: Record<string, unknown> = { ...intent };
  for (const name of OWN) delete fields[name];
  return {
    ...(fields as Partial<EventFields>),
    type: type as EventType,
    outcome: 'unknown',
    origin: 'gateway',
    detail: { ...detail, intent: intent.event_id ?? '', because: 'process_ended' },
  };
}
