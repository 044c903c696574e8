import { CALL_KINDS } from '../call-kinds.js';
import { type Evidence, type Finding, type Invariant, isEdgeEvent } from '../evidence.js';
import type { LedgerCall } from '../ledgers.js';
import type { Kill } from '../nemesis.js';
import { shedBy, sumOf } from './shed.js';

/** Types of events from which it is known that something was done, or may have been. */
const KNOWN_BY: ReadonlySet<string> = new Set(['tool.intended', 'tool.called']);

/** An edge may have been killed a moment before its client noticed. */
const NOTICE_MS = 1_000;

/** Whether the edge of a call was killed while the call was in its hand. */
export function isCutOff({ edge, beganAtMs, endedAtMs, answer }: LedgerCall, kills: readonly Kill[]): boolean {
  if (answer.kind !== 'none') return false;
  return kills.some(({ member, atMs }) => member === edge && atMs >= beganAtMs - NOTICE_MS && atMs <= endedAtMs + NOTICE_MS);
}

/** Done, and not recorded; what is refused because nothing can be recorded is not done. */
const isDone = (name: string) => name.startsWith('tool.called ') && name !== 'tool.called audit_unavailable';

/** I2 of the fault plan. */
export const executedKnown: Invariant = {
  id: 'I2',
  says: 'whatever an upstream did is known from an event, or was in the hand of an edge that was killed (standard), or is told of by audit.shed',
  check({ calls, events, executions, kills, strict }: Evidence): Finding {
    const known = new Set(events.flatMap((e) => (isEdgeEvent(e) && KNOWN_BY.has(e.type) ? [e.request_id ?? ''] : [])));
    const violations: string[] = [];
    const unrecorded = new Map<string, LedgerCall[]>();
    let cutOff = 0;
    for (const id of new Set(executions.map(({ call }) => call))) {
      const call = calls.get(id);
      if (call === undefined) violations.push(`${id} was executed, and no client has called it`);
      else if (known.has(id)) continue;
      else if (strict && CALL_KINDS[call.kind].mayChange) violations.push(`${id} (${call.kind}) was executed without an intent`);
      else if (isCutOff(call, kills)) cutOff += 1;
      else unrecorded.set(call.edge, [...(unrecorded.get(call.edge) ?? []), call]);
    }
    const shed = shedBy(events);
    for (const [edge, unknown] of unrecorded) {
      const told = sumOf(shed.get(edge), isDone);
      if (unknown.length > told)
        violations.push(
          `${edge}: ${unknown.length} executions are in no event, and audit.shed tells of ${told}: ${unknown.map(({ id }) => id).join(', ')}`,
        );
    }
    const shedCount = [...unrecorded.values()].reduce((sum, unknown) => sum + unknown.length, 0);
    const inEvents = new Set(executions.map(({ call }) => call)).size - cutOff - shedCount - violations.length;
    return {
      numbers: `${inEvents} executions known from events, ${cutOff} in the hand of a killed edge, ${shedCount} told of by audit.shed`,
      violations,
    };
  },
};
