import { createHash } from 'node:crypto';
import { printable } from '../api/export/printable.js';

/** Something that a rule has found to hold now. */
export interface Finding {
  /** Tells it from others of the same rule, as long as it holds. */
  readonly key: string;
  /** What it is about, by name: server, upstream, tool, principal and the like. May say whatever a client or an upstream made up. */
  readonly about: Readonly<Record<string, string>>;
  readonly value: number;
  /** What `value` is compared with. */
  readonly limit: number;
  /** One sentence without a full stop. */
  readonly says: string;
}

/** What one rule says of at most so many; the worst come first. */
export const FINDINGS_LIMIT = 100;

const VALUE_CHARACTERS = 100;
const SENTENCE_CHARACTERS = 300;

const cut = (text: string, characters: number) => {
  const shown = printable(text.toWellFormed());
  return shown.length <= characters ? shown : `${shown.slice(0, characters - 1).toWellFormed()}…`;
};

/** A finding as it is kept: all that a rule knows is one value of a bucket, which takes 1 MB, and names in it are made up by anybody. */
export function boundedFinding({ key, about, value, limit, says }: Finding): Finding {
  const parts = Object.entries(about).map(([name, text]) => [name, cut(text, VALUE_CHARACTERS)] as const);
  return {
    key: createHash('sha256').update(key).digest('base64url'),
    about: Object.fromEntries(parts),
    value,
    limit,
    says: cut(says, SENTENCE_CHARACTERS),
  };
}
