import { BUCKETS, CALLER_PROOF_KEY } from '@switchyard/contracts';
import { openSealed, sealingKeyFrom, type SealingKey } from '@switchyard/oauth';
import { StateUnavailable, type KvStore, type State } from '@switchyard/state';
import type { Logger } from '@switchyard/telemetry';
import { TenantKeyDestroyed, type Keyring } from '../keyring/keyring.js';
import { KmsUnavailable } from '../kms/kms.js';

const againAfterMs = 1_000;

/**
 * The key pair that edges seal a call's Authorization value to, so that nobody between an edge and the vault can read it. It is made
 * from the tenant's keys: every vault has the same, and it is stored nowhere but in public.
 */
export class CallerKey {
  readonly #kv: KvStore;
  readonly #keyring: Keyring;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(o: { readonly kv: KvStore; readonly keyring: Keyring; readonly log: Logger }) {
    this.#kv = o.kv;
    this.#keyring = o.keyring;
    this.#log = o.log;
  }

  /** @throws StateUnavailable */
  static async open(
    state: State,
    o: { readonly tenant: string; readonly keyring: Keyring; readonly log: Logger },
  ): Promise<CallerKey> {
    return new CallerKey({ ...o, kv: await state.bucket(BUCKETS.vaultKeys, o.tenant) });
  }

  /** Tells edges the public key; where the key service or the store is away, as soon as it can be told. */
  async publish(): Promise<void> {
    try {
      const { publicJwk } = await this.#pair();
      const stored = await this.#kv.get(CALLER_PROOF_KEY);
      const told = Buffer.from(publicJwk, 'utf8');
      if (stored === undefined || !told.equals(stored.value)) await this.#kv.put(CALLER_PROOF_KEY, told);
    } catch (error) {
      if (error instanceof TenantKeyDestroyed) return;
      if (!(error instanceof KmsUnavailable || error instanceof StateUnavailable)) throw error;
      this.#log.warn('edges cannot be told the key of the vault yet', { error });
      if (!this.#closed) this.#timer = setTimeout(() => void this.publish(), againAfterMs).unref();
    }
  }

  /**
   * Opens a proof.
   * @returns what was sealed; undefined where that was not to this key, or was altered
   * @throws KmsUnavailable; TenantKeyDestroyed; StateUnavailable
   */
  async read(proof: string): Promise<string | undefined> {
    const { privateKey } = await this.#pair();
    try {
      return Buffer.from(await openSealed(privateKey, proof)).toString('utf8');
    } catch {
      // JOSE has several errors for "not for you", and the difference is nobody's business.
      return undefined;
    }
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  // Made anew each time: while the key service is away, it lives no longer than the keys that it is made from.
  async #pair(): Promise<SealingKey> {
    const secret = await this.#keyring.derived('caller proof');
    try {
      return await sealingKeyFrom(secret);
    } finally {
      secret.fill(0);
    }
  }
}
