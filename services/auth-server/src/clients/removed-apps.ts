import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@switchyard/telemetry';
import type { OidcStore } from '../store/oidc-store.js';
import type { ConfiguredClients } from './configured-clients.js';
import type { EndedClients } from '../revocation/ended.js';

const KIND = 'ConfiguredApps';
const ID = 'all';
const AGAIN_AFTER_MS = 1_000;

interface RemovedAppsParts {
  readonly configured: ConfiguredClients;
  readonly store: OidcStore;
  readonly ended: EndedClients;
  readonly log: Logger;
}

/**
 * Ends what apps were given that the configuration has no longer. Which ones it had is in the store, so that one is noticed too that was
 * taken away while no authorization server ran; all replicas may do the same, since saying it twice changes nothing.
 */
export class RemovedApps {
  readonly #o: RemovedAppsParts;
  readonly #closed = new AbortController();
  #last: Promise<void>;

  private constructor(o: RemovedAppsParts) {
    this.#o = o;
    this.#last = this.#settle();
    o.configured.onChange(() => {
      this.#last = this.#last.then(() => this.#settle());
    });
  }

  static follow(o: RemovedAppsParts): RemovedApps {
    return new RemovedApps(o);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#last;
  }

  /** Until it is done: what could not be said is said later. */
  async #settle(): Promise<void> {
    while (!this.#closed.signal.aborted) {
      try {
        return await this.#endRemoved();
      } catch (error) {
        this.#o.log.error('apps that are configured no longer could not be ended yet', { error });
        await delay(AGAIN_AFTER_MS, undefined, { signal: this.#closed.signal }).catch(() => undefined);
      }
    }
  }

  async #endRemoved(): Promise<void> {
    const { configured, store, ended } = this.#o;
    const now = configured.apps()?.toSorted();
    if (now === undefined) return;
    const before = ((await store.find(KIND, ID))?.record['ids'] ?? []) as readonly string[];
    if (JSON.stringify(before) === JSON.stringify(now)) return;
    const removed = before.filter((id) => !now.includes(id));
    for (const id of removed) await ended.end(id);
    await store.write(KIND, ID, { ids: now });
  }
}
