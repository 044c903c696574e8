/** What could not be read of a text that somebody wrote, and where. */
export interface Misread {
  readonly ok: false;
  /** Place of the first character that is wrong, from 1. */
  readonly position: number;
  /** What is wrong there, as the end of a sentence. */
  readonly message: string;
}

/** A part of a filter, and where it begins (from 1). */
export interface FilterWord {
  readonly kind: 'word' | 'text' | 'operator' | 'open' | 'close' | 'end';
  readonly text: string;
  readonly position: number;
}

/** A filter cut into its parts; the last one is of the kind `end`. */
export interface FilterWords {
  readonly ok: true;
  readonly words: readonly FilterWord[];
}

// One alternative for each kind; sticky, so that nothing is passed over.
const PARTS =
  /\s*(?:(?<text>"(?:[^"\\]|\\.)*")|(?<operator>!=|!~|<=|>=|[=~<>])|(?<open>\()|(?<close>\))|(?<word>[^\s"()=!~<>]+))/suy;

/** Cuts a filter into words, quoted texts, operators and parentheses. */
export function filterWords(filter: string): FilterWords | Misread {
  const words: FilterWord[] = [];
  const end = filter.trimEnd().length;
  PARTS.lastIndex = 0;
  while (PARTS.lastIndex < end) {
    const from = PARTS.lastIndex;
    const groups = PARTS.exec(filter)?.groups;
    if (groups === undefined) return unreadable(filter, from);
    words.push(wordOf(groups, PARTS.lastIndex));
  }
  return { ok: true, words: [...words, { kind: 'end', text: '', position: end + 1 }] };
}

function wordOf(groups: Record<string, string | undefined>, endIndex: number): FilterWord {
  const [kind, raw] = Object.entries(groups).find((entry): entry is [FilterWord['kind'], string] => entry[1] !== undefined) ?? [];
  if (kind === undefined || raw === undefined) throw new Error('a part of a filter is of no kind');
  const text = kind === 'text' ? raw.slice(1, -1).replaceAll(/\\(.)/gsu, '$1') : raw;
  return { kind, text, position: endIndex - raw.length + 1 };
}

function unreadable(filter: string, from: number): Misread {
  const index = from + (/\S/u.exec(filter.slice(from))?.index ?? 0);
  const message =
    filter[index] === '"' ? 'this quotation mark is never closed' : '"!" stands alone; write !=, !~ or the word not';
  return { ok: false, position: index + 1, message };
}
