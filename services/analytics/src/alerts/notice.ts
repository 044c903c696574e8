import { printable } from '../api/export/printable.js';
import type { AlertMessage, Found } from './rule-state.js';

/** A message on its way to a channel. */
export interface Notice {
  readonly rule: string;
  readonly kind: string;
  readonly message: AlertMessage;
}

const SENTENCE_CHARACTERS = 400;
const TITLE_CHARACTERS = 150;
const WORDS: Readonly<Record<AlertMessage['what'], string>> = { fired: 'firing', firing: 'still firing', resolved: 'resolved' };

const cut = (text: string, characters: number) => (text.length <= characters ? text : `${text.slice(0, characters - 1)}…`);

/** What holds, or held, in one line that breaks nothing: names in it are made up by clients and upstreams. */
const sentence = ({ says }: Found) => cut(printable(says), SENTENCE_CHARACTERS);

/** A message in one line. */
export function titleOf({ rule, message: { what, items, count } }: Notice): string {
  const [first] = items;
  const about = count === 1 && first !== undefined ? sentence(first) : `${count} at once`;
  return cut(`[${WORDS[what]}] ${rule}: ${about}`, TITLE_CHARACTERS);
}

/** What a message is about, one by one. */
export function sentencesOf({ message: { what, items, atMs } }: Notice): string[] {
  return items.map((one) => {
    const minutes = Math.round((atMs - one.sinceMs) / 60_000);
    const lasting = what === 'resolved' ? ` – over, after ${minutes} min` : minutes > 0 ? ` – for ${minutes} min` : '';
    return `${sentence(one)}${lasting}`;
  });
}

/** How many more there are than are shown; nothing where that is all. */
export function moreThan(shown: number, { message: { count } }: Notice): string[] {
  return count > shown ? [`and ${count - shown} more`] : [];
}
