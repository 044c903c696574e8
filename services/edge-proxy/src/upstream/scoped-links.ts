import type { Clock } from '@switchyard/runtime';
import type { UpstreamLink } from './link.js';

/** What the links to one upstream are told at the start. */
export interface ScopedLinksOptions {
  readonly make: (scope: string) => UpstreamLink;
  readonly clock: Clock;
  /** Most links at a time: each may be a process, or hold sessions. */
  readonly most: number;
  /** How long a link that nobody uses is kept. */
  readonly idleMs: number;
  /** Told of a link that is no longer to be used, to close it. */
  readonly onEnd: (link: UpstreamLink) => void;
}

interface Entry {
  readonly link: UpstreamLink;
  usedAtMs: number;
}

/** The links to an upstream that is shown another credential for each caller, or each team: one for each. */
export class ScopedLinks {
  readonly #options: ScopedLinksOptions;
  /** Those that were used last come last. */
  readonly #held = new Map<string, Entry>();

  constructor(options: ScopedLinksOptions) {
    this.#options = options;
  }

  /** Whether `get` has a link for this scope, or room for one. */
  hasRoom(scope: string): boolean {
    return this.#held.has(scope) || this.#held.size < this.#options.most || this.#idle() !== undefined;
  }

  /** The link of a scope, made where there is none. */
  get(scope: string): UpstreamLink {
    const known = this.#held.get(scope);
    if (known === undefined && this.#held.size >= this.#options.most) this.#drop(this.#idle());
    const entry: Entry = known ?? { link: this.#options.make(scope), usedAtMs: 0 };
    entry.usedAtMs = this.#options.clock.now();
    this.#held.delete(scope);
    this.#held.set(scope, entry);
    return entry.link;
  }

  /** The link of a scope, where there is one. */
  find(scope: string): UpstreamLink | undefined {
    return this.#held.get(scope)?.link;
  }

  /** Ends the link of a scope, where there is one: its credential is another now. */
  drop(scope: string): void {
    this.#drop(scope);
  }

  /** Lets go of links that nobody has used for long. */
  sweep(): void {
    const before = this.#options.clock.now() - this.#options.idleMs;
    for (const [scope, { link, usedAtMs }] of this.#held) {
      if (usedAtMs > before) return;
      if (!link.busy) this.#drop(scope);
    }
  }

  all(): UpstreamLink[] {
    return [...this.#held.values()].map(({ link }) => link);
  }

  /** The scope whose link was used longest ago, of those that nothing stands on. */
  #idle(): string | undefined {
    for (const [scope, { link }] of this.#held) if (!link.busy) return scope;
    return undefined;
  }

  #drop(scope: string | undefined): void {
    const entry = scope === undefined ? undefined : this.#held.get(scope);
    if (scope === undefined || entry === undefined) return;
    this.#held.delete(scope);
    this.#options.onEnd(entry.link);
  }
}
