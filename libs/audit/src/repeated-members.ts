import { flat } from './flat.js';

/** Most that is remembered, and the longest text of it. */
const LIMIT = 1_024;
const LENGTH_LIMIT = 2_048;

interface Remembered<Copy> {
  readonly copy: Copy;
  readonly members: string;
}

/** What an event says of members that come back from event to event. */
export interface Repetition<Fields, Copy> {
  /** What they are remembered by: the latest for each. */
  readonly key: (fields: Fields) => string;
  readonly copy: (fields: Fields) => Copy;
  readonly isSame: (copy: Copy, fields: Fields) => boolean;
  /** Renders them, each with a comma in front, in ASCII. */
  readonly render: (fields: Fields) => string;
}

/**
 * Members of a JSON object that come back from event to event: the same client, the same tool. Comparing texts that are one object in
 * memory costs next to nothing; escaping and joining them anew does not.
 */
export function rememberingMembers<Fields, Copy>({
  key,
  copy,
  isSame,
  render,
}: Repetition<Fields, Copy>): (fields: Fields) => string {
  const remembered = new Map<string, Remembered<Copy>>();
  return (fields) => {
    const by = key(fields);
    const known = remembered.get(by);
    if (known !== undefined && isSame(known.copy, fields)) return known.members;
    const members = flat(render(fields));
    if (remembered.size >= LIMIT) remembered.clear();
    if (members.length <= LENGTH_LIMIT) remembered.set(by, { copy: copy(fields), members });
    return members;
  };
}
