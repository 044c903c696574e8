import { EVENT_COLUMNS, type EventColumn } from './event-columns.js';
import { filterWords, type FilterWord, type Misread } from './filter-words.js';

/** How a value is compared. `~` is "contains", whatever the case. */
export type Operator = '=' | '!=' | '~' | '!~' | '<' | '<=' | '>' | '>=';

/** One column of an event, compared with one value that fits it. */
export interface Comparison {
  readonly kind: 'comparison';
  readonly name: string;
  readonly column: EventColumn;
  /** Which value of a map. */
  readonly key?: string;
  readonly operator: Operator;
  /** For times: milliseconds since 1970. */
  readonly value: string;
}

/** What a filter asks for. */
export type Filter =
  | Comparison
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Filter[] }
  | { readonly kind: 'not'; readonly part: Filter };

/** A filter that was read. */
export interface ParsedFilter {
  readonly ok: true;
  readonly filter: Filter;
}

const COMPARISONS_LIMIT = 50;
const DEPTH_LIMIT = 20;

const OPERATORS: Readonly<Record<EventColumn['of'], readonly Operator[]>> = {
  text: ['=', '!=', '~', '!~'],
  number: ['=', '!=', '<', '<=', '>', '>='],
  time: ['<', '<=', '>', '>=', '=', '!='],
};

/** Thrown from the depths of a filter to `parseFilter`, which makes an answer of it. */
class Stop extends Error {
  constructor(readonly misread: Misread) {
    super(misread.message);
  }
}

const stop = ({ position }: FilterWord, message: string) => new Stop({ ok: false, position, message });

/**
 * Reads a filter: comparisons such as `server = work`, `capability ~ "delete"` or `duration_us > 100000`, joined by `and`, `or`,
 * `not` and parentheses.
 */
export function parseFilter(text: string): ParsedFilter | Misread {
  const cut = filterWords(text);
  if (!cut.ok) return cut;
  try {
    return { ok: true, filter: new Reading(cut.words).whole() };
  } catch (error) {
    if (error instanceof Stop) return error.misread;
    throw error;
  }
}

class Reading {
  readonly #words: readonly FilterWord[];
  #at = 0;
  #comparisons = 0;

  constructor(words: readonly FilterWord[]) {
    this.#words = words;
  }

  whole(): Filter {
    const filter = this.#joined('or', 0);
    if (this.#next.kind !== 'end') throw stop(this.#next, `expected "and", "or" or the end, found ${shown(this.#next)}`);
    return filter;
  }

  get #next(): FilterWord {
    const word = this.#words[Math.min(this.#at, this.#words.length - 1)];
    if (word === undefined) throw new Error('a filter has no end');
    return word;
  }

  #take(): FilterWord {
    const word = this.#next;
    this.#at += 1;
    return word;
  }

  #isNext(keyword: string): boolean {
    return this.#next.kind === 'word' && this.#next.text.toLowerCase() === keyword;
  }

  #joined(kind: 'and' | 'or', depth: number): Filter {
    const part = () => (kind === 'or' ? this.#joined('and', depth) : this.#single(depth));
    const first = part();
    const parts = [first];
    while (this.#isNext(kind)) {
      this.#take();
      parts.push(part());
    }
    return parts.length === 1 ? first : { kind, parts };
  }

  #single(depth: number): Filter {
    if (depth > DEPTH_LIMIT) throw stop(this.#next, `no more than ${DEPTH_LIMIT} parts may be nested`);
    if (this.#isNext('not')) {
      this.#take();
      return { kind: 'not', part: this.#single(depth + 1) };
    }
    return this.#next.kind === 'open' ? this.#enclosed(depth) : this.#comparison();
  }

  #enclosed(depth: number): Filter {
    const open = this.#take();
    const filter = this.#joined('or', depth + 1);
    if (this.#next.kind === 'end') throw stop(open, 'this parenthesis is never closed');
    if (this.#next.kind !== 'close') throw stop(this.#next, `expected "and", "or" or ")", found ${shown(this.#next)}`);
    this.#take();
    return filter;
  }

  #comparison(): Comparison {
    const field = this.#take();
    if (field.kind !== 'word') throw stop(field, `expected the name of a field, found ${shown(field)}`);
    this.#comparisons += 1;
    if (this.#comparisons > COMPARISONS_LIMIT) throw stop(field, `no more than ${COMPARISONS_LIMIT} comparisons are taken`);
    const named = columnOf(field);
    const operator = this.#take();
    const allowed = OPERATORS[named.column.of];
    if (operator.kind !== 'operator' || !isOneOf(allowed, operator.text))
      throw stop(operator, `${field.text} is compared with ${allowed.join(' ')}, found ${shown(operator)}`);
    return { kind: 'comparison', ...named, operator: operator.text, value: valueOf(this.#take(), named.column, field.text) };
  }
}

const isOneOf = (allowed: readonly Operator[], text: string): text is Operator => (allowed as readonly string[]).includes(text);

const shown = ({ kind, text }: FilterWord) => (kind === 'end' ? 'the end' : JSON.stringify(text));

function columnOf(field: FilterWord): Pick<Comparison, 'name' | 'column' | 'key'> {
  const dot = field.text.indexOf('.');
  const name = dot < 0 ? field.text : field.text.slice(0, dot);
  const key = dot < 0 ? undefined : field.text.slice(dot + 1);
  const column = EVENT_COLUMNS.get(name);
  if (column === undefined) throw stop(field, `events have no field ${JSON.stringify(name)}`);
  if (column.shape === 'map' && !key) throw stop(field, `${name} has values by name; write ${name}.<name>`);
  if (column.shape !== 'map' && key !== undefined) throw stop(field, `${name} has no parts`);
  return key === undefined ? { name, column } : { name, column, key };
}

const INT64_LIMIT = 2n ** 63n;
const withZone = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/;

function valueOf(word: FilterWord, { of }: EventColumn, field: string): string {
  if (word.kind !== 'word' && word.kind !== 'text') throw stop(word, `expected a value for ${field}, found ${shown(word)}`);
  if (of === 'text') return word.text;
  if (of === 'number') {
    if (/^-?\d{1,19}$/.test(word.text) && abs(BigInt(word.text)) < INT64_LIMIT) return word.text;
    throw stop(word, `${field} is a number, found ${shown(word)}`);
  }
  const atMs = withZone.test(word.text) ? Date.parse(word.text) : Number.NaN;
  if (Number.isNaN(atMs)) throw stop(word, `${field} is a time such as 2026-01-31T12:00:00Z, found ${shown(word)}`);
  return String(atMs);
}

const abs = (value: bigint) => (value < 0n ? -value : value);
