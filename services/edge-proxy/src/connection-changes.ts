import {
  type ConnectionChange,
  connectionChange,
  connectionChangeKey,
  type Principal,
  principalHash,
} from '@switchyard/contracts';
import type { KvChange, KvStore, KvWatch } from '@switchyard/state';
import type { Logger } from '@switchyard/telemetry';
import type { Cancellation } from './cancellation.js';

/** What a principal's connection to an upstream has become. */
export interface HeardChange extends ConnectionChange {
  /** As `connectionChangeKey` makes it. */
  readonly key: string;
  readonly upstream: string;
  /** As `hashOf` has it. */
  readonly who: string;
}

/** Whether there is a connection after a change. */
export const isConnected = (change: ConnectionChange | undefined): boolean =>
  change?.state === 'connected' || change?.state === 'refreshed';

const hashes = new WeakMap<object, string>();

/** How changes name a principal. Worked out once for each object, for there may be as many of them as streams. */
export function hashOf(principal: Pick<Principal, 'issuer' | 'subject'>): string {
  const known = hashes.get(principal);
  if (known !== undefined) return known;
  const hash = principalHash(principal);
  hashes.set(principal, hash);
  return hash;
}

/** What following them needs. */
export interface ConnectionChangesOptions {
  readonly kv: KvStore;
  readonly log: Logger;
}

/**
 * What the vault tells of principals' connections to upstreams: leases of them are dropped at once, and calls that wait for one go on.
 * Nobody asks the vault again and again.
 */
export class ConnectionChanges {
  readonly #options: ConnectionChangesOptions;
  /** What each was last told to be, as long as the vault says it, and when that was. */
  readonly #heard = new Map<string, ConnectionChange & { readonly at: number }>();
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #listeners: ((change: HeardChange) => void)[] = [];
  #now = 0;
  #watch: KvWatch | undefined;

  private constructor(options: ConnectionChangesOptions) {
    this.#options = options;
  }

  /** Follows what the vault tells. */
  static async open(options: ConnectionChangesOptions): Promise<ConnectionChanges> {
    const changes = new ConnectionChanges(options);
    changes.#watch = await options.kv.watch((change) => changes.#take(change));
    await changes.#watch.ready;
    return changes;
  }

  /** Grows with every change: an answer of the vault's that was asked for at a lower number may be from before. */
  get now(): number {
    return this.#now;
  }

  /** What it has become since, where it has changed. @param key of `connectionChangeKey` @param at what `now` was then */
  since(key: string, at: number): ConnectionChange | undefined {
    const heard = this.#heard.get(key);
    return heard !== undefined && heard.at > at ? heard : undefined;
  }

  /** Calls back with every change from now on. */
  onChange(listener: (change: HeardChange) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Waits until a principal is connected to an upstream.
   * @param at what `now` was when it was not @param cancellation ends the wait
   * @returns false where that did not happen in time
   */
  connected(
    upstream: string,
    principal: Pick<Principal, 'issuer' | 'subject'>,
    at: number,
    timeoutMs: number,
    cancellation: Cancellation,
  ): Promise<boolean> {
    const key = connectionChangeKey(upstream, principal);
    if (isConnected(this.since(key, at))) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (connected: boolean) => {
        clearTimeout(timer);
        const all = this.#waiting.get(key);
        if (all?.delete(wake) === true && all.size === 0) this.#waiting.delete(key);
        resolve(connected);
      };
      const wake = () => settle(true);
      const timer = setTimeout(() => settle(false), timeoutMs);
      this.#waiting.set(key, (this.#waiting.get(key) ?? new Set()).add(wake));
      cancellation.onCancel(() => settle(false));
    });
  }

  /** Follows no more. */
  async close(): Promise<void> {
    await this.#watch?.close();
  }

  #take(change: KvChange): void {
    if (change.kind === 'delete') return void this.#heard.delete(change.key);
    const { key, value } = change.entry;
    let read: ConnectionChange;
    try {
      read = connectionChange.parse(JSON.parse(Buffer.from(value).toString('utf8')));
    } catch (error) {
      // Whatever it says: what was leased before is not to be trusted.
      this.#options.log.error('a change of a connection cannot be read', { error });
      read = { state: 'disconnected', version: '' };
    }
    this.#now += 1;
    this.#heard.set(key, { ...read, at: this.#now });
    const end = key.lastIndexOf('/');
    const heard = { ...read, key, upstream: key.slice(0, end), who: key.slice(end + 1) };
    for (const listener of this.#listeners) listener(heard);
    if (isConnected(read)) for (const wake of [...(this.#waiting.get(key) ?? [])]) wake();
  }
}
