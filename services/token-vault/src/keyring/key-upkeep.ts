import type { Audit } from '@switchyard/audit';
import type { EventFields } from '@switchyard/contracts';
import { StateUnavailable } from '@switchyard/state';
import type { Logger } from '@switchyard/telemetry';
import { KmsUnavailable } from '../kms/kms.js';
import { TenantKeyDestroyed, type Keyring } from './keyring.js';
import type { Reseal } from './reseal.js';

/** What upkeep is about. */
export interface KeyUpkeepOptions {
  readonly keyring: Keyring;
  readonly reseal: Reseal;
  readonly audit: Pick<Audit, 'record' | 'accepting'>;
  readonly log: Logger;
  readonly rotateMs: number;
}

const everyMs = 60_000;
const expireEveryMs = 1_000;

/** Replaces data keys when they are due, and takes up encrypting records anew where a vault left it. */
export class KeyUpkeep {
  readonly #o: KeyUpkeepOptions;
  readonly #timers: NodeJS.Timeout[] = [];
  #running: Promise<void> | undefined;

  constructor(options: KeyUpkeepOptions) {
    this.#o = options;
  }

  /** Begins: at once, then every minute. */
  start(): void {
    const later = (work: () => void, intervalMs: number) => this.#timers.push(setInterval(work, intervalMs).unref());
    later(() => this.#o.keyring.expire(), expireEveryMs);
    later(() => void this.tick(), everyMs);
    void this.tick();
  }

  /** Does what is due. Outages are logged; the next round tries again. */
  tick(): Promise<void> {
    this.#running ??= this.#tick().finally(() => (this.#running = undefined));
    return this.#running;
  }

  /**
   * Replaces the data key now; records are encrypted anew in the background.
   * @returns the new key's id
   * @throws KmsUnavailable; TenantKeyDestroyed; StateUnavailable; SpoolFull
   */
  async rotate(actor: Partial<EventFields>): Promise<string> {
    const id = await this.#rotate(0, actor);
    if (id === undefined) throw new Error('a key of any age was to be replaced, and was not');
    void this.tick();
    return id;
  }

  /** Ends after the record at hand. Idempotent. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#o.reseal.close();
    await this.#running;
  }

  async #rotate(ifOlderThanMs: number, actor: Partial<EventFields>): Promise<string | undefined> {
    const id = await this.#o.keyring.rotate({ ifOlderThanMs });
    if (id === undefined) return undefined;
    await this.#o.audit.record({ ...actor, type: 'vault.key_rotated', outcome: 'ok', detail: { key_id: id } });
    this.#o.log.info('the data key was replaced', { key_id: id });
    return id;
  }

  async #tick(): Promise<void> {
    const { keyring, reseal, audit, log, rotateMs } = this.#o;
    try {
      // A tenant without keys gets them with its first record; what cannot be recorded is not done.
      if ((await keyring.status())?.state === 'living' && audit.accepting()) await this.#rotate(rotateMs, {});
      await reseal.run();
    } catch (error) {
      if (error instanceof TenantKeyDestroyed) return;
      if (error instanceof KmsUnavailable || error instanceof StateUnavailable) {
        log.warn('data keys cannot be looked after at the moment', { error });
        return;
      }
      log.error('looking after data keys failed', { error });
    }
  }
}
