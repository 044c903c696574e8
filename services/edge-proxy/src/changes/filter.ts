import type { Envelope } from '@switchyard/mcp';
import * as z from 'zod';

/** What somebody wants to hear of (MCP 2026-07-28, "Subscriptions"). */
export const filterSchema = z.object({
  toolsListChanged: z.boolean().optional(),
  promptsListChanged: z.boolean().optional(),
  resourcesListChanged: z.boolean().optional(),
  resourceSubscriptions: z.array(z.string()).optional(),
});

export type Filter = z.infer<typeof filterSchema>;

/** The lists that may change. Templates are part of the resources. */
export const KINDS = ['tools', 'prompts', 'resources'] as const;

export type Kind = (typeof KINDS)[number];

export const UPDATED = 'notifications/resources/updated';

/** The notification that a list has changed. */
export const listChanged = (kind: Kind) => `notifications/${kind}/list_changed` as const;

const switchOf = (kind: Kind) => `${kind}ListChanged` as const;

const KIND_OF_METHOD: ReadonlyMap<string, Kind> = new Map(KINDS.map((kind) => [listChanged(kind), kind]));

/** The list that a notification says has changed; undefined where it says something else. */
export const changedList = (method: string): Kind | undefined => KIND_OF_METHOD.get(method);

/** Whether a notification is among what was asked for; upstreams may send more than that. */
export function passes(filter: Filter, { method, uri }: Pick<Envelope, 'method' | 'uri'>): boolean {
  if (method === UPDATED) return filter.resourceSubscriptions?.includes(uri ?? '') ?? false;
  const kind = changedList(method);
  return kind !== undefined && filter[switchOf(kind)] === true;
}

/** Whether the filter asks for nothing. */
export const isEmpty = (filter: Filter): boolean =>
  !KINDS.some((kind) => filter[switchOf(kind)] === true) && (filter.resourceSubscriptions ?? []).length === 0;

/** A filter of these lists and resources. */
export function filterOf(kinds: Iterable<Kind>, uris: readonly string[]): Filter {
  const filter: Filter = uris.length > 0 ? { resourceSubscriptions: [...uris] } : {};
  for (const kind of kinds) filter[switchOf(kind)] = true;
  return filter;
}

/** The lists that a filter names. */
export const kindsOf = (filter: Filter): Kind[] => KINDS.filter((kind) => filter[switchOf(kind)] === true);

/** What any of them names. */
export function union(filters: readonly Filter[]): Filter {
  const kinds = KINDS.filter((kind) => filters.some((filter) => filter[switchOf(kind)]));
  return filterOf(kinds, [...new Set(filters.flatMap(({ resourceSubscriptions }) => resourceSubscriptions ?? []))]);
}

/** What both name. */
export function both(one: Filter, other: Filter): Filter {
  const uris = new Set(other.resourceSubscriptions);
  return filterOf(
    kindsOf(one).filter((kind) => other[switchOf(kind)] === true),
    (one.resourceSubscriptions ?? []).filter((uri) => uris.has(uri)),
  );
}

/** What several want together, counted: a thing is wanted for as long as one of them wants it. */
export class FilterCount {
  readonly #kinds = new Map<Kind, number>();
  readonly #uris = new Map<string, number>();
  #union: Filter | undefined = {};

  add(filter: Filter): void {
    for (const kind of kindsOf(filter)) this.#count(this.#kinds, kind, 1);
    for (const uri of new Set(filter.resourceSubscriptions)) this.#count(this.#uris, uri, 1);
  }

  /** @param filter one that was added */
  remove(filter: Filter): void {
    for (const kind of kindsOf(filter)) this.#count(this.#kinds, kind, -1);
    for (const uri of new Set(filter.resourceSubscriptions)) this.#count(this.#uris, uri, -1);
  }

  /** All of it; the same object for as long as it is the same. */
  get union(): Filter {
    return (this.#union ??= filterOf(this.#kinds.keys(), [...this.#uris.keys()]));
  }

  #count<Key>(counts: Map<Key, number>, key: Key, by: 1 | -1): void {
    const before = counts.get(key) ?? 0;
    if (before + by > 0) counts.set(key, before + by);
    else counts.delete(key);
    if (before === 0 || before + by === 0) this.#union = undefined;
  }
}
