import type { Era } from '@switchyard/mcp';
import { createHash } from 'node:crypto';
import type { ListKey, NameTable } from './capability-names.js';
import type { Catalog, CompiledServer } from './catalog.js';
import type { FetchedList } from './fetched-list.js';

/** A server's list as some of its callers are shown it: joined, renamed, filtered, in text. */
export interface PreparedList {
  readonly count: number;
  /** The items, commas between them. */
  readonly text: Buffer;
  /** Where each item begins in the text. */
  readonly starts: readonly number[];
  /** Of the text; made when it is first needed. */
  readonly digest: () => string;
}

/** What a list is made of. */
export interface ListParts {
  readonly server: CompiledServer;
  /** The client's. */
  readonly era: Era;
  readonly list: ListKey;
  readonly table: NameTable;
  /** Which rules speak to the caller: all that the result depends on of who it is. */
  readonly audience: string;
  /** Which pages of tools belong to whom, as a number that changes with it. */
  readonly pages: number;
  /** One for each upstream that could be asked. */
  readonly lists: readonly FetchedList[];
}

interface Held {
  readonly table: NameTable;
  readonly pages: number;
  readonly prepared: PreparedList;
}

const LIMIT_BYTES = 64 * 1024 * 1024;

/** Lists that have been put together, kept as long as what they are made of is the same. The oldest make room. */
export class PreparedLists {
  #catalog: Catalog | undefined;
  readonly #held = new Map<string, Held>();
  #bytes = 0;

  /** The list, prepared where it is not held. */
  get(catalog: Catalog, parts: ListParts, prepare: () => PreparedList): PreparedList {
    if (this.#catalog !== catalog) this.#clear(catalog);
    const { server, era, list, table, audience, pages, lists } = parts;
    const key = `${server.slug}\n${era}\n${list}\n${audience}\n${lists.map(({ digest }) => digest).join()}`;
    const held = this.#held.get(key);
    if (held?.table === table && held.pages === pages) return held.prepared;
    const prepared = prepare();
    this.#forget(key);
    this.#held.set(key, { table, pages, prepared });
    this.#bytes += prepared.text.length;
    for (const oldest of this.#held.keys()) {
      if (this.#bytes <= LIMIT_BYTES) break;
      this.#forget(oldest);
    }
    return prepared;
  }

  #forget(key: string): void {
    const held = this.#held.get(key);
    if (held === undefined) return;
    this.#held.delete(key);
    this.#bytes -= held.prepared.text.length;
  }

  #clear(catalog: Catalog): void {
    this.#catalog = catalog;
    this.#held.clear();
    this.#bytes = 0;
  }
}

/** Joins the texts of items. */
export function prepareList(items: readonly Buffer[]): PreparedList {
  const comma = Buffer.from(',');
  const starts: number[] = [];
  let at = 0;
  for (const { length } of items) {
    starts.push(at);
    at += length + 1;
  }
  const text = Buffer.concat(items.flatMap((item, index) => (index === 0 ? [item] : [comma, item])));
  let digest: string | undefined;
  return {
    count: items.length,
    text,
    starts,
    digest: () => (digest ??= createHash('sha256').update(text).digest('base64url')),
  };
}

/** The text of some of the items. @param to exclusive; may be beyond the last */
export function pageOf({ text, starts }: PreparedList, from: number, to: number): Buffer {
  const end = starts[to];
  return text.subarray(starts[from], end === undefined ? text.length : end - 1);
}
