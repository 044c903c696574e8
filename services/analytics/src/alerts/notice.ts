import type { AlertMessage } from './rule-state.js';

/** A message on its way to a channel. What it says breaks no line and moves no cursor: `boundedFinding`. */
export interface Notice {
  readonly rule: string;
  readonly kind: string;
  readonly message: AlertMessage;
}

const TITLE_CHARACTERS = 150;
const WORDS: Readonly<Record<AlertMessage['what'], string>> = { fired: 'firing', firing: 'still firing', resolved: 'resolved' };

const cut = (text: string, characters: number) => (text.length <= characters ? text : `${text.slice(0, characters - 1)}…`);

/** A message in one line. */
export function titleOf({ rule, message: { what, items, count } }: Notice): string {
  const [first] = items;
  const about = count === 1 && first !== undefined ? first.says : `${count} at once`;
  return cut(`[${WORDS[what]}] ${rule}: ${about}`, TITLE_CHARACTERS);
}

/** What a message is about, one by one. */
export function sentencesOf({ message: { what, items, atMs } }: Notice): string[] {
  return items.map((one) => {
    const minutes = Math.round((atMs - one.sinceMs) / 60_000);
    const lasting = what === 'resolved' ? ` – over, after ${minutes} min` : minutes > 0 ? ` – for ${minutes} min` : '';
    return `${one.says}${lasting}`;
  });
}

/** How many more there are than are shown; nothing where that is all. */
export function moreThan(shown: number, { message: { count } }: Notice): string[] {
  return count > shown ? [`and ${count - shown} more`] : [];
}
