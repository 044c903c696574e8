import type { Clock } from '@switchyard/runtime';
import type { ListKey } from './capability-names.js';
import { Cancellation } from './cancellation.js';
import type { FetchedList, ListHints } from './fetched-list.js';
import type { Reason } from './ladder.js';
import { Refusal } from './refusal.js';

/** Which list, of which upstream, as seen by whom. */
export interface ListPlace {
  readonly upstream: string;
  readonly list: ListKey;
  /** Who sees the same: the upstream as it is defined now, and what the request shows it. Nothing crosses from one to another. */
  readonly context: string;
}

/** A list, and how long it may be shown. */
export interface KeptList {
  readonly list: FetchedList;
  readonly untilMs: number;
  /** Whether the upstream shows it to everybody. */
  readonly isPublic: boolean;
}

/**
 * How old a list may be. `kept`: as old as its time allows; `recent`: just fetched, which answers a flood of questions after names that
 * are not there; `now`: it is fetched.
 */
export type ListAge = 'kept' | 'recent' | 'now';

/** What fetching brings. */
export interface Fetched {
  readonly list: FetchedList;
  readonly hints: ListHints;
}

/** What the cache is told at the start. */
export interface ListCacheOptions {
  readonly clock: Clock;
  /** How long a list is kept where its upstream says nothing of it. */
  readonly ttlMs: number;
  /** Longest that fetching may take. */
  readonly timeoutMs: number;
  /** Told of every change that an upstream tells of here. */
  readonly onChange: (upstream: string, method: string) => void;
}

interface Entry extends KeptList {
  readonly generation: number;
  readonly atMs: number;
}

interface Flight {
  readonly generation: number;
  readonly answer: Promise<KeptList | Refusal>;
}

interface Text {
  readonly list: FetchedList;
  holders: number;
}

const RECENT_MS = 5_000;
/** No upstream's word holds for longer: list_changed may have been said where nobody listened. */
const LONGEST_MS = 3_600_000;
/** Lists of different content that are kept, all together. */
const LIMIT_BYTES = 64 * 1024 * 1024;
const LIMIT_ENTRIES = 50_000;

const LIST_KEYS: readonly ListKey[] = ['tools', 'prompts', 'resources', 'resourceTemplates'];

const LISTS_OF_METHOD: ReadonlyMap<string, readonly ListKey[]> = new Map<string, readonly ListKey[]>([
  ['notifications/tools/list_changed', ['tools']],
  ['notifications/prompts/list_changed', ['prompts']],
  ['notifications/resources/list_changed', ['resources', 'resourceTemplates']],
]);

/**
 * Lists of upstreams, kept as long as their upstreams allow and until they say that they have changed (MCP 2026-07-28, "Caching";
 * MCP 2025-11-25, "List Changed Notification"). Who needs the same list at the same time shares one fetch, which nobody's leaving ends.
 * Refusals are not kept.
 */
export class ListCache {
  readonly #options: ListCacheOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #flights = new Map<string, Flight>();
  readonly #texts = new Map<string, Text>();
  readonly #generations = new Map<string, number>();
  #bytes = 0;

  constructor(options: ListCacheOptions) {
    this.#options = options;
  }

  /** The list, where it is here and young enough. */
  get(place: ListPlace, age: ListAge): KeptList | undefined {
    if (age === 'now') return undefined;
    const entry = this.#entries.get(keyOf(place));
    if (entry === undefined || entry.generation !== this.#generation(place)) return undefined;
    const now = this.#options.clock.now();
    return (age === 'kept' ? entry.untilMs > now : now - entry.atMs <= RECENT_MS) ? entry : undefined;
  }

  /**
   * Fetches the list, or joins whoever does so already.
   * @param fetch asks the upstream; what it is given is cancelled when it takes too long, and never by a client
   */
  fetch(place: ListPlace, fetch: (cancellation: Cancellation) => Promise<Fetched | Refusal>): Promise<KeptList | Refusal> {
    const key = keyOf(place);
    const generation = this.#generation(place);
    const known = this.#flights.get(key);
    // What was asked for before the list changed may not have the change.
    if (known?.generation === generation) return known.answer;
    const answer = this.#take(place, generation, fetch);
    const flight = { generation, answer };
    this.#flights.set(key, flight);
    const landed = () => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    answer.then(landed, landed);
    return answer;
  }

  /** Takes note of what an upstream says by itself. */
  heard(upstream: string, method: string): void {
    if (!LISTS_OF_METHOD.has(method)) return;
    this.heardElsewhere(upstream, method);
    this.#options.onChange(upstream, method);
  }

  /** Takes note of what an upstream has said to another edge. */
  heardElsewhere(upstream: string, method: string): void {
    for (const list of LISTS_OF_METHOD.get(method) ?? []) this.#outdate(upstream, list);
  }

  /** Takes note that a call did not reach its upstream: the next list says so too. */
  failed(upstream: string, reason: Reason): void {
    if (reason !== 'upstream_unavailable') return;
    for (const list of LIST_KEYS) this.#outdate(upstream, list);
  }

  #outdate(upstream: string, list: ListKey): void {
    const key = `${upstream}\n${list}`;
    this.#generations.set(key, (this.#generations.get(key) ?? 0) + 1);
  }

  #generation({ upstream, list }: ListPlace): number {
    return this.#generations.get(`${upstream}\n${list}`) ?? 0;
  }

  async #take(
    place: ListPlace,
    generation: number,
    fetch: (cancellation: Cancellation) => Promise<Fetched | Refusal>,
  ): Promise<KeptList | Refusal> {
    const cancellation = new Cancellation();
    const timer = setTimeout(() => cancellation.cancel(), this.#options.timeoutMs);
    try {
      const fetched = await fetch(cancellation);
      if (!(fetched instanceof Refusal)) return this.#keep(place, generation, fetched);
      this.#forget(keyOf(place));
      return fetched;
    } finally {
      clearTimeout(timer);
    }
  }

  #keep(place: ListPlace, generation: number, { list, hints }: Fetched): KeptList {
    const key = keyOf(place);
    const now = this.#options.clock.now();
    const ttlMs = Math.min(Math.max(hints.ttlMs ?? this.#options.ttlMs, 0), LONGEST_MS);
    const kept = { untilMs: now + ttlMs, isPublic: hints.isPublic, generation, atMs: now };
    // What was asked for before a change may come after what was asked for since.
    if ((this.#entries.get(key)?.generation ?? 0) > generation) return { ...kept, list };
    const entry: Entry = { ...kept, list: this.#share(list) };
    this.#forget(key);
    this.#entries.set(key, entry);
    this.#makeRoom(now);
    return entry;
  }

  /** Who sees the same list shares its memory. */
  #share(list: FetchedList): FetchedList {
    const text = this.#texts.get(list.digest) ?? { list, holders: 0 };
    if (text.holders === 0) {
      this.#texts.set(list.digest, text);
      this.#bytes += list.bytes;
    }
    text.holders += 1;
    return text.list;
  }

  #forget(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    const text = this.#texts.get(entry.list.digest);
    if (text === undefined) return;
    text.holders -= 1;
    if (text.holders > 0) return;
    this.#texts.delete(entry.list.digest);
    this.#bytes -= entry.list.bytes;
  }

  /** The oldest go first. */
  #makeRoom(nowMs: number): void {
    for (const [key, { untilMs, atMs }] of this.#entries) {
      const isOver = untilMs <= nowMs && nowMs - atMs > RECENT_MS;
      if (!isOver && this.#bytes <= LIMIT_BYTES && this.#entries.size <= LIMIT_ENTRIES) return;
      this.#forget(key);
    }
  }
}

const keyOf = ({ upstream, list, context }: ListPlace) => `${upstream}\n${list}\n${context}`;
