import type { Misread } from './filter-words.js';

/** A text that an event must have in it, or must not. */
export interface SoughtText {
  readonly text: string;
  readonly isExcluded: boolean;
}

/** What a full-text search looks for: all of it. */
export interface ParsedWords {
  readonly ok: true;
  readonly sought: readonly SoughtText[];
}

const TEXTS_LIMIT = 8;
const PARTS = /\s*(?<minus>-?)(?:"(?<quoted>[^"]*)"|(?<word>[^\s"]+))/suy;

/** Reads a full-text search: words and "quoted texts"; what has a minus in front is excluded. */
export function parseWords(search: string): ParsedWords | Misread {
  const end = search.trimEnd().length;
  const sought: SoughtText[] = [];
  PARTS.lastIndex = 0;
  while (PARTS.lastIndex < end) {
    const from = PARTS.lastIndex;
    const groups = PARTS.exec(search)?.groups;
    const position = from + (/\S/u.exec(search.slice(from))?.index ?? 0) + 1;
    if (groups === undefined) return { ok: false, position, message: 'this quotation mark is never closed' };
    const text = groups['quoted'] ?? groups['word'] ?? '';
    if (text === '') return { ok: false, position, message: 'there is nothing between the quotation marks' };
    if (sought.length === TEXTS_LIMIT)
      return { ok: false, position, message: `no more than ${TEXTS_LIMIT} texts are looked for` };
    sought.push({ text, isExcluded: groups['minus'] === '-' });
  }
  return sought.length > 0 ? { ok: true, sought } : { ok: false, position: 1, message: 'there is nothing to look for' };
}
