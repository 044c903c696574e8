import { type Egress, LOOPBACK } from '@switchyard/egress';
import type { Upstream } from '@switchyard/contracts';
import type { Clock } from '@switchyard/runtime';
import type { Logger } from '@switchyard/telemetry';
import type { Catalog } from '../catalog.js';
import { HttpLink } from './http-link.js';
import type { IdSource } from './id-source.js';
import type { UpstreamLink } from './link.js';
import { StdioLink } from './stdio-link.js';

/** What links are made of. */
export interface LinksOptions {
  readonly egress: Egress;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly log: Logger;
  readonly resultLimitBytes: number;
  /** Told what local servers say to nobody in particular. */
  readonly onSaid: (upstream: string, method: string) => void;
}

interface Held {
  readonly definition: string;
  readonly link: UpstreamLink;
}

/** A gateway that itself serves on loopback may reach loopback: that is a developer's machine. */
const isLoopback = (publicUrl: string) => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(publicUrl).hostname);

/** The links to all upstreams of the catalog. A link lives as long as its upstream's definition and credential stay the same. */
export class UpstreamLinks {
  readonly #options: LinksOptions;
  #held = new Map<string, Held>();

  constructor(options: LinksOptions) {
    this.#options = options;
  }

  /** Follows a new catalog: keeps the links that it does not change, ends the others. */
  apply(catalog: Catalog): void {
    const next = new Map<string, Held>();
    for (const upstream of catalog.upstreams.values()) {
      const definition = JSON.stringify(upstream);
      const held = this.#held.get(upstream.name);
      next.set(upstream.name, held?.definition === definition ? held : { definition, link: this.#make(upstream) });
    }
    // Last of what may throw, so that a catalog that cannot be used changes nothing.
    this.#options.egress.setAllowed(isLoopback(catalog.publicUrl) ? [...LOOPBACK, ...catalog.egressAllow] : catalog.egressAllow);
    const kept = new Set([...next.values()].map(({ link }) => link));
    const ended = [...this.#held.values()].filter(({ link }) => !kept.has(link));
    this.#held = next;
    for (const { link } of ended)
      void link
        .close()
        .catch((error: unknown) => this.#options.log.error('upstream did not end cleanly', { upstream: link.name, error }));
  }

  /** Whether the newest catalog has this upstream. */
  has(name: string): boolean {
    return this.#held.has(name);
  }

  /** @throws when the newest catalog has no such upstream: `has` tells */
  get(name: string): UpstreamLink {
    const held = this.#held.get(name);
    if (held === undefined) throw new Error(`no upstream ${name} in the snapshot`);
    return held.link;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await Promise.all([...this.#held.values()].map(({ link }) => link.close()));
  }

  #make(upstream: Upstream): UpstreamLink {
    const { egress, ids, clock, resultLimitBytes } = this.#options;
    const { name, transport } = upstream;
    if (transport.case === 'http')
      return new HttpLink({ name, url: new URL(transport.value.url), egress, ids, clock, resultLimitBytes });
    if (transport.case === 'stdio') {
      const { command, args, cwd } = transport.value;
      return new StdioLink({
        name,
        command,
        args,
        cwd,
        ids,
        clock,
        resultLimitBytes,
        onSaid: (method) => this.#options.onSaid(name, method),
        log: this.#options.log.child({ upstream: name }),
      });
    }
    throw new Error(`upstream ${name} has no transport`);
  }
}
