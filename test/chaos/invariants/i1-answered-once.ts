import { CALL_KINDS } from '../call-kinds.js';
import { type Evidence, type Finding, groupBy, type Invariant, isEdgeEvent, type SeenEvent } from '../evidence.js';
import type { Answer, LedgerCall } from '../ledgers.js';
import { shedBy, sumOf } from './shed.js';

/** Types of events that say how a call ended. */
export const FINAL_TYPES: ReadonlySet<string> = new Set(['tool.called', 'policy.denied', 'request.refused', 'auth.rejected']);

/** Nothing can be recorded. What was done then has an intent (strict), and how it ended is withheld: the next boot says that nobody knows. */
const WITHHELD = 'audit_unavailable';

/** What the one event of an answered call has to say. */
const FITS: Readonly<Record<Answer['kind'], (event: SeenEvent, answer: Answer) => boolean>> = {
  result: ({ type, outcome }) => type === 'tool.called' && outcome === 'ok',
  tool_error: ({ type, outcome }) => type === 'tool.called' && outcome === 'error',
  refused: ({ reason, outcome }, answer) =>
    answer.kind === 'refused' && (reason === answer.reason || (answer.reason === WITHHELD && outcome === 'unknown')),
  none: () => true,
  wrong: () => true,
};

/** Refused because nothing can be recorded, or while nothing can be: `audit.shed` tells how many there were, by reason. */
function unrecordedRefusals(
  calls: readonly LedgerCall[],
  events: readonly SeenEvent[],
  hasFinal: (id: string) => boolean,
): string[] {
  const shed = shedBy(events);
  const without = calls.filter(({ id, answer }) => answer.kind === 'refused' && !hasFinal(id));
  const groups = groupBy(without, ({ edge, answer }) => `${edge} ${answer.kind === 'refused' ? answer.reason : ''}`);
  return [...groups].flatMap(([key, group]) => {
    const [edge = '', reason = ''] = key.split(' ');
    // What was done and whose result is withheld counts as what it was.
    const told = sumOf(
      shed.get(edge),
      (name) => name.endsWith(` ${reason}`) || (reason === WITHHELD && /^tool\.called [a-z]+$/.test(name)),
    );
    const ids = group.map(({ id }) => id).join(', ');
    return group.length <= told
      ? []
      : [`${edge}: ${group.length} refusals (${reason}) have no event, audit.shed tells of ${told}: ${ids}`];
  });
}

function violationsOf({ id, kind, answer }: LedgerCall, finals: readonly SeenEvent[], executions: number): string[] {
  const found: string[] = [];
  const what = `${id} (${kind}, answered ${answer.kind === 'refused' ? answer.reason : answer.kind})`;
  if (answer.kind === 'wrong') found.push(`${what} was given another call's answer: ${answer.text}`);
  if (finals.length > 1) found.push(`${what} has ${finals.length} final events: ${finals.map((one) => one.event_id).join(', ')}`);
  const mustHave = answer.kind !== 'none' && answer.kind !== 'refused';
  if (mustHave && finals.length === 0) found.push(`${what} has no final event`);
  if (finals.length === 1 && !FITS[answer.kind](finals[0]!, answer))
    found.push(
      `${what} has the event ${finals[0]!.event_id}: ${finals[0]!.type} ${finals[0]!.outcome} ${finals[0]!.reason ?? ''}`,
    );
  const { mayChange, granted } = CALL_KINDS[kind];
  if (executions > 1 && mayChange) found.push(`${what} was executed ${executions} times`);
  if (executions > 0 && !granted) found.push(`${what} was executed, and must not be`);
  if (executions === 0 && (answer.kind === 'result' || answer.kind === 'tool_error')) found.push(`${what} was not executed`);
  return found;
}

/** I1 of the fault plan, for errors and refusals too. */
export const answeredOnce: Invariant = {
  id: 'I1',
  says: 'an answered call has exactly one final event, which says the same, and was done exactly once',
  check({ calls, events, executions }: Evidence): Finding {
    const finals = groupBy(
      events.filter((event) => isEdgeEvent(event) && FINAL_TYPES.has(event.type)),
      ({ request_id: id }) => id ?? '',
    );
    const done = groupBy(executions, ({ call }) => call);
    const all = [...calls.values()];
    const answered = all.filter(({ answer }) => answer.kind !== 'none');
    const violations = [
      ...all.flatMap((call) => violationsOf(call, finals.get(call.id) ?? [], done.get(call.id)?.length ?? 0)),
      ...unrecordedRefusals(all, events, (id) => finals.has(id)),
    ];
    const results = all.filter(({ answer }) => answer.kind === 'result').length;
    return {
      numbers: `${all.length} calls, ${answered.length} answered, ${results} of them with a result; ${executions.length} executions`,
      violations,
    };
  },
};
