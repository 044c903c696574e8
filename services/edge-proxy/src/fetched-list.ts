import { createHash } from 'node:crypto';
import type { ListKey } from './capability-names.js';

/** One item of an upstream's list, in the upstream's own words. */
export interface ListedItem {
  readonly name: string;
  readonly text: Buffer;
  /** Text of the naming member within `text`. */
  readonly nameRange: { readonly start: number; readonly end: number };
}

/** One list of an upstream, all its pages. Two of the same content are one object where the cache has made them so. */
export interface FetchedList {
  readonly upstream: string;
  readonly items: readonly ListedItem[];
  /** Of the items, in their order. */
  readonly names: readonly string[];
  readonly bytes: number;
  /** Tells lists of different content apart. */
  readonly digest: string;
}

/** How long an upstream lets its list be kept, and by whom (MCP 2026-07-28, "Caching"). */
export interface ListHints {
  /** Undefined where the upstream's era says nothing of it. */
  readonly ttlMs: number | undefined;
  readonly isPublic: boolean;
}

interface ListRow {
  readonly method: string;
  readonly nameKey: string;
  /** Server capability without which an upstream has no such list. */
  readonly capability: string;
}

/** The four lists (MCP, "Pagination"). */
export const LISTS: Readonly<Record<ListKey, ListRow>> = {
  tools: { method: 'tools/list', nameKey: 'name', capability: 'tools' },
  prompts: { method: 'prompts/list', nameKey: 'name', capability: 'prompts' },
  resources: { method: 'resources/list', nameKey: 'uri', capability: 'resources' },
  resourceTemplates: { method: 'resources/templates/list', nameKey: 'uriTemplate', capability: 'resources' },
};

/** Puts a list together. */
export function fetchedList(upstream: string, items: readonly ListedItem[]): FetchedList {
  const hash = createHash('sha256').update(`${upstream}\n`);
  let bytes = 0;
  for (const { text } of items) {
    hash.update(`${text.length}\n`).update(text);
    bytes += text.length;
  }
  return { upstream, items, names: items.map(({ name }) => name), bytes, digest: hash.digest('base64url') };
}
