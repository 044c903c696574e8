import { CALLER_PROOF_KEY } from '@switchyard/contracts';
import { sealTo } from '@switchyard/oauth';
import { type KvStore, WatchedMap } from '@switchyard/state';
import type { Logger } from '@switchyard/telemetry';

/**
 * Proves to the vault that a principal is calling: what the call was let in with, sealed to the vault's own key, so that nobody between
 * can read it. No edge gets a principal's credential by its own word alone.
 */
export class CallerProofs {
  readonly #keys: WatchedMap<string>;
  readonly #log: Logger;

  private constructor(keys: WatchedMap<string>, log: Logger) {
    this.#keys = keys;
    this.#log = log;
  }

  /** Follows the key that the vault publishes. @param kv the bucket of its keys */
  static async open(kv: KvStore, log: Logger): Promise<CallerProofs> {
    const keys = await WatchedMap.open(kv, {
      decode: ({ value }) => Buffer.from(value).toString('utf8'),
      onError: (key, error) => log.error('a key of the vault cannot be read', { name: key, error }),
    });
    return new CallerProofs(keys, log);
  }

  /** @param authorization the call's field value @returns a JWE; empty where the vault has published no key that can be sealed to */
  async seal(authorization: string): Promise<string> {
    const key = this.#keys.get(CALLER_PROOF_KEY);
    if (key === undefined) return '';
    try {
      return await sealTo(key, Buffer.from(authorization));
    } catch (error) {
      this.#log.error('a proof cannot be sealed to the key of the vault', { error });
      return '';
    }
  }

  /** Follows no more. */
  close(): Promise<void> {
    return this.#keys.close();
  }
}
