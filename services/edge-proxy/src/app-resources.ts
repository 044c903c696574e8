import { memberAt, memberEdits, membersOf, splice, stringAt } from '@switchyard/mcp';
import type { CompiledServer, CompiledSource } from './catalog.js';
import type { NamedCapability } from './names.js';

/** In `_meta` of a tool: `{ui: {resourceUri}}`, and the form that MCP Apps had before. */
const NESTED = ['_meta', 'ui', 'resourceUri'];
const FLAT = 'ui/resourceUri';

/** Pages of one upstream that are remembered: sessions may be listed different tools. */
const MOST = 1_024;

/** Whether it is the page of a user interface (the extension "MCP Apps"). */
export const isAppPage = ({ kind, name }: NamedCapability): boolean => kind === 'resource' && name.startsWith('ui://');

/** The page that a tool's results are shown with, where it has one. @param tool its text, which has passed the gate */
export function pageOf(tool: Buffer): string | undefined {
  if (!tool.includes('esourceUri')) return undefined;
  const root = { start: 0, end: tool.length };
  const range = memberAt(tool, root, ...NESTED) ?? memberAt(tool, root, '_meta', FLAT);
  return range && stringAt(tool, range);
}

/** The tool without its page. What else it says of itself stays. */
export function withoutPage(tool: Buffer): Buffer {
  const root = { start: 0, end: tool.length };
  const meta = memberAt(tool, root, '_meta');
  const members = meta && membersOf(tool, meta);
  return meta === undefined || members === undefined
    ? tool
    : splice(tool, memberEdits(meta, members, { ui: undefined, [FLAT]: undefined }));
}

/**
 * Remembers which upstreams' tools have which pages. Servers need not list pages, and two may name theirs alike: a page belongs to the
 * tool that names it, or an upstream could show its own in the place of another's.
 */
export class AppResources {
  /** By upstream: pages, and the tools that have them. */
  readonly #heard = new Map<string, Map<string, Set<string>>>();
  #version = 0;

  /** Changes whenever a page may have got another owner. */
  get version(): number {
    return this.#version;
  }

  /** Takes note of a complete list of tools. @param items JSON text of each, which has passed the gate */
  learn(upstream: string, items: readonly { readonly name: string; readonly text: Buffer }[]): void {
    const before = this.#heard.get(upstream);
    const pages = before !== undefined && before.size < MOST ? before : new Map<string, Set<string>>();
    this.#heard.set(upstream, pages);
    if (before !== undefined && pages !== before) this.#version += 1;
    for (const { name, text } of items) {
      const page = pageOf(text);
      if (page === undefined || pages.get(page)?.has(name) === true) continue;
      pages.set(page, (pages.get(page) ?? new Set()).add(name));
      this.#version += 1;
    }
  }

  /** Whether the tools of all these sources are known. */
  knows(sources: readonly CompiledSource[]): boolean {
    return sources.every(({ upstream }) => this.#heard.has(upstream));
  }

  /** The sources of a server with a tool, offered there, that has the page; in configuration order. */
  sources({ sources }: CompiledServer, page: string): CompiledSource[] {
    return sources.filter(({ upstream, offers, denies }) => {
      const tools = this.#heard.get(upstream)?.get(page) ?? [];
      return [...tools].some((tool) => offers.tool(tool) && !denies(tool));
    });
  }
}
