import type { Logger } from '@switchyard/telemetry';
import type { Era } from '@switchyard/mcp';
import { CredentialOwner } from '@switchyard/contracts';
import { type HeardChange, hashOf } from '../connection-changes.js';
import type { CapabilityNames } from '../capability-names.js';
import type { Catalog } from '../catalog.js';
import { type Kind, KINDS } from './filter.js';
import type { Listening } from './listening.js';
import { audienceOf } from '../stages/authorize.js';
import { type View, viewOf } from './view.js';

/** A client that listens. */
export interface Viewer {
  readonly era: Era;
  readonly listening: Pick<Listening, 'catalog' | 'principal' | 'server' | 'reconfigure' | 'reconnect'>;
}

/** Changes of the configuration that come within this time are one. */
const WINDOW_MS = 100;
/** Clients of one turn: a change must not stop the calls of an edge with very many. */
const BATCH = 256;

/** Takes clients that listen from one configuration to the next, and tells those whose lists are others then. */
export class ViewChanges {
  readonly #names: CapabilityNames;
  readonly #log: Logger;
  readonly #viewers = new Set<Viewer>();
  #catalog: Catalog | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(names: CapabilityNames, log: Logger) {
    this.#names = names;
    this.#log = log;
  }

  /** Clients that listen. */
  get size(): number {
    return this.#viewers.size;
  }

  /** From now on, until it leaves. */
  join(viewer: Viewer): void {
    this.#viewers.add(viewer);
  }

  /** Idempotent. */
  leave(viewer: Viewer): void {
    this.#viewers.delete(viewer);
  }

  /** There is a new configuration. */
  follow(catalog: Catalog): void {
    this.#catalog = catalog;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#spread().catch((error: unknown) => this.#log.error('clients were not taken to a new configuration', { error }));
    }, WINDOW_MS).unref();
  }

  /** A principal's connection to an upstream has changed, and with it what their lists show. */
  reconnect({ upstream, who }: HeardChange): void {
    for (const { listening } of [...this.#viewers])
      if (
        listening.catalog.upstreams.get(upstream)?.credentialOwner === CredentialOwner.PRINCIPAL &&
        hashOf(listening.principal) === who
      )
        listening.reconnect(upstream);
  }

  /** Idempotent. */
  close(): void {
    clearTimeout(this.#timer);
    this.#viewers.clear();
  }

  async #spread(): Promise<void> {
    const catalog = this.#catalog!;
    const views = new Views(this.#names);
    let count = 0;
    for (const viewer of [...this.#viewers]) {
      if (!this.#viewers.has(viewer) || this.#catalog !== catalog) continue;
      const { listening } = viewer;
      listening.reconfigure(catalog, views.changed(viewer, listening.catalog, catalog));
      count += 1;
      if (count % BATCH === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** Views, each worked out once. */
class Views {
  readonly #names: CapabilityNames;
  readonly #known = new Map<Catalog, Map<string, View>>();

  constructor(names: CapabilityNames) {
    this.#names = names;
  }

  /** The lists that the viewer sees differently. */
  changed(viewer: Viewer, before: Catalog, after: Catalog): Kind[] {
    if (before === after) return [];
    const [one, other] = [this.#of(viewer, before), this.#of(viewer, after)];
    return KINDS.filter((kind) => one?.[kind] !== other?.[kind]);
  }

  #of({ era, listening: { principal, server: slug } }: Viewer, catalog: Catalog): View | undefined {
    const server = catalog.servers.get(slug);
    if (server === undefined) return undefined;
    const known = this.#known.get(catalog) ?? new Map<string, View>();
    this.#known.set(catalog, known);
    const key = `${era}\n${slug}\n${audienceOf(principal, server, catalog)}`;
    const view = known.get(key) ?? viewOf(principal, server, catalog, era, this.#names);
    known.set(key, view);
    return view;
  }
}
