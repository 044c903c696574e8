import type { Logger, Telemetry } from '@switchyard/telemetry';
import type { SealedStore } from '../sealed-store.js';
import type { Keyring } from './keyring.js';

/** How far encrypting all records anew has come. */
export interface ResealProgress {
  readonly running: boolean;
  /** Records looked at in this round, of how many. */
  readonly done: number;
  readonly total: number;
  /** Records that cannot be read, and so stay as they are. */
  readonly damaged: number;
}

/** What the work is about. */
export interface ResealOptions {
  readonly stores: readonly SealedStore[];
  readonly keyring: Keyring;
  readonly log: Logger;
  readonly telemetry: Pick<Telemetry, 'meter'>;
}

const logEvery = 1_000;

/**
 * Encrypts every record with the tenant's current key, one by one, each by a compare-and-set on what was read: reads and writes go
 * on meanwhile, several vaults may do it at once, and whoever is killed in the middle leaves the rest for the next.
 */
export class Reseal {
  readonly #o: ResealOptions;
  readonly #resealed: ReturnType<Telemetry['meter']['createCounter']>;
  #progress: ResealProgress = { running: false, done: 0, total: 0, damaged: 0 };
  #running: Promise<boolean> | undefined;
  #stopped = false;

  constructor(options: ResealOptions) {
    this.#o = options;
    const { meter } = options.telemetry;
    this.#resealed = meter.createCounter('switchyard_vault_records_resealed', {
      description: 'Records looked at in order to encrypt them with the current data key, by outcome',
    });
    meter
      .createObservableGauge('switchyard_vault_records_to_reseal', {
        description: 'Records that the present round of encrypting anew has not looked at yet',
      })
      .addCallback((result) => result.observe(this.#progress.total - this.#progress.done));
  }

  progress(): ResealProgress {
    return this.#progress;
  }

  /**
   * Works until every record has the current key, if any may have another.
   * @returns whether all have it now
   * @throws KmsUnavailable; StateUnavailable: what was done stays done
   */
  run(): Promise<boolean> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      this.#progress = { ...this.#progress, running: false };
    });
    return this.#running;
  }

  /** Ends after the record at hand. */
  async close(): Promise<void> {
    this.#stopped = true;
    await this.#running?.catch(() => undefined);
  }

  async #run(): Promise<boolean> {
    for (;;) {
      const keyring = await this.#o.keyring.status();
      if (keyring?.state !== 'living' || keyring.current === keyring.settled) return true;
      const changed = await this.#round(keyring.current);
      if (this.#stopped) return false;
      // Settled by a round that found nothing to do: a write that was on its way during the last one had the old key.
      if (changed === 0) await this.#o.keyring.settle(keyring.current);
    }
  }

  /** Looks at every record once. @returns how many did not have the current key */
  async #round(current: string): Promise<number> {
    const { stores, log } = this.#o;
    const names = await Promise.all(stores.map(async (store) => (await store.names()).map((name) => ({ store, name }))));
    const work = names.flat();
    const counts = { done: 0, total: work.length, damaged: 0, resealed: 0 };
    const tell = () => log.info('records are encrypted with the current data key', { count: counts.done, key_id: current });
    for (const { store, name } of work) {
      if (this.#stopped) break;
      const outcome = await this.#one(store, name, current);
      this.#resealed.add(1, { outcome });
      counts.done++;
      if (outcome === 'resealed') counts.resealed++;
      if (outcome === 'damaged') counts.damaged++;
      this.#progress = { running: true, done: counts.done, total: counts.total, damaged: counts.damaged };
      if (counts.done % logEvery === 0) tell();
    }
    if (counts.damaged > 0) log.error('stored records cannot be read and were not encrypted anew', { count: counts.damaged });
    tell();
    return counts.resealed;
  }

  async #one(store: SealedStore, name: string, current: string) {
    for (;;) {
      const outcome = await store.reseal(name, current);
      if (outcome !== 'overtaken') return outcome;
    }
  }
}
