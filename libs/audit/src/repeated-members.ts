import type { EventFields } from '@switchyard/contracts';

/** Most that is remembered, and the longest text of it. */
const LIMIT = 1_024;
const LENGTH_LIMIT = 2_048;

interface Remembered<Copy> {
  readonly copy: Copy;
  readonly members: string;
}

/** What an event says of members that come back from event to event. */
export interface Repetition<Copy> {
  /** What they are remembered by: the latest for each. */
  readonly key: (fields: EventFields) => string;
  readonly copy: (fields: EventFields) => Copy;
  readonly isSame: (copy: Copy, fields: EventFields) => boolean;
  /** Renders them, each with a comma in front. */
  readonly render: (fields: EventFields) => string;
}

/**
 * Members of a JSON object that come back from event to event: the same client, the same tool. Comparing texts that are one object in
 * memory costs next to nothing; escaping and joining them anew does not.
 */
export function rememberingMembers<Copy>({ key, copy, isSame, render }: Repetition<Copy>): (fields: EventFields) => string {
  const remembered = new Map<string, Remembered<Copy>>();
  return (fields) => {
    const by = key(fields);
    const known = remembered.get(by);
    if (known !== undefined && isSame(known.copy, fields)) return known.members;
    const members = render(fields);
    if (remembered.size >= LIMIT) remembered.clear();
    if (members.length <= LENGTH_LIMIT) remembered.set(by, { copy: copy(fields), members });
    return members;
  };
}
