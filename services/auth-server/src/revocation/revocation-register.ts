import { encodeRevoked, revocableName, type Revoked } from '@switchyard/api-keys';
import { BUCKETS } from '@switchyard/contracts';
import type { KvStore, State } from '@switchyard/state';
import { LIFETIMES } from '../lifetimes.js';

/** Tells everyone who takes access tokens which of them are dead: tokens are not looked up anywhere when they are used. */
export class RevocationRegister {
  readonly #bucket: KvStore;

  private constructor(bucket: KvStore) {
    this.#bucket = bucket;
  }

  static async open(state: State, tenant: string): Promise<RevocationRegister> {
    return new RevocationRegister(await state.bucket(BUCKETS.revocations, tenant));
  }

  /** Whether a token, grant or client is dead for good. */
  async has(kind: Revoked['kind'], id: string): Promise<boolean> {
    return (await this.#bucket.get(revocableName(kind, id))) !== undefined;
  }

  /**
   * Idempotent. Once it resolves, everyone who is connected has heard of it within moments.
   * @throws StateUnavailable where it is not known whether it was written: it has to be tried again
   */
  async revoke(revoked: Revoked): Promise<void> {
    const key = revocableName(revoked.kind, revoked.id);
    const value = encodeRevoked(revoked);
    const options = { ttlMs: LIFETIMES.revocationMs };
    // What is dead for good is told once, however many find out; a person may be signed out again.
    if (revoked.grantedUntilMs === undefined) await this.#bucket.create(key, value, options);
    else await this.#bucket.put(key, value, options);
  }
}
