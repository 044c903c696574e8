import { type Evidence, type Finding, type Invariant, isEdgeEvent } from '../evidence.js';

/** I3 of the fault plan. */
export const nothingMadeUp: Invariant = {
  id: 'I3',
  says: 'no event is of a call that nobody made, and none says that something was done which was not',
  check({ calls, requests, events, executions }: Evidence): Finding {
    const done = new Set(executions.map(({ call }) => call));
    const violations: string[] = [];
    let ofCalls = 0;
    for (const { event_id: id, emitter, type, outcome, request_id: request = '' } of events) {
      if (!isEdgeEvent({ emitter }) || request === '') continue;
      ofCalls += 1;
      if (!calls.has(request) && !requests.has(request)) violations.push(`${id} (${type}) is of ${request}, which nobody made`);
      else if (type === 'tool.called' && outcome === 'ok' && !done.has(request))
        violations.push(`${id} says that ${request} was done, and no upstream did it`);
    }
    return {
      numbers: `${ofCalls} events of calls and requests, of ${calls.size} calls and ${requests.size} requests`,
      violations,
    };
  },
};
