import { WatchedMap, type KvStore, type State } from '@switchyard/state';
import { BUCKETS } from '@switchyard/contracts';
import { LIFETIMES } from '../lifetimes.js';
import { isRotationDue, keysAt, makeSigningKey, withKeyId, withNextKey, type KeyRing, type SigningKey } from './key-ring.js';

const KEY = 'signing';

/** The keys that sign tokens, equal on all replicas: a ring that is changed by compare-and-set and followed by a watch. */
export class SigningKeys {
  readonly #bucket: KvStore;
  readonly #rings: WatchedMap<KeyRing | undefined>;
  readonly #clock: { now(): number };
  #rotating: Promise<unknown> | undefined;

  /**
   * Opens the ring, or makes it at the first start.
   * @param onUnreadable told of a ring that is none; the one before it stays
   * @throws StateUnavailable
   */
  static async open(
    state: State,
    tenant: string,
    clock: { now(): number },
    onUnreadable: (error: unknown) => void,
  ): Promise<SigningKeys> {
    const bucket = await state.bucket(BUCKETS.signingKeys, tenant);
    // Of several replicas that start at once, one makes it.
    if ((await bucket.get(KEY)) === undefined) await bucket.create(KEY, encode([makeSigningKey(clock.now(), clock.now())]));
    const rings = await WatchedMap.open<KeyRing | undefined>(bucket, {
      decode: ({ key, value }) => (key === KEY ? decode(value) : undefined),
      onError: (_key, error) => onUnreadable(error),
    });
    return new SigningKeys(bucket, rings, clock);
  }

  private constructor(bucket: KvStore, rings: WatchedMap<KeyRing | undefined>, clock: { now(): number }) {
    this.#bucket = bucket;
    this.#rings = rings;
    this.#clock = clock;
  }

  /** @throws Error where the ring is gone from the store */
  ring(): KeyRing {
    const ring = this.#rings.get(KEY);
    if (ring === undefined) throw new Error('there are no signing keys');
    return ring;
  }

  /** The ring as it stands in the store, which a change of this moment has reached. */
  async stored(): Promise<KeyRing> {
    const entry = await this.#bucket.get(KEY);
    if (entry === undefined) throw new Error('there are no signing keys');
    return decode(entry.value);
  }

  /** Keys that are published now, the one that signs first. */
  current(): readonly SigningKey['jwk'][] {
    return keysAt(this.ring(), this.#clock.now());
  }

  /** Rotates where it is time to. @returns whether this replica was the one that did */
  async rotateIfDue(): Promise<boolean> {
    if (this.#rotating !== undefined || !isRotationDue(this.ring(), this.#clock.now())) return false;
    const rotating = this.#rotate(LIFETIMES.keyPublishedMs, (ring) => isRotationDue(ring, this.#clock.now()));
    this.#rotating = rotating.finally(() => (this.#rotating = undefined));
    return rotating;
  }

  /** Rotates now: the next key signs as soon as everyone can have heard of it. @returns whether that changed anything */
  async rotateNow(): Promise<boolean> {
    return this.#rotate(LIFETIMES.keyCommandLeadMs, () => true);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.#rings.close();
  }

  async #rotate(leadMs: number, isWanted: (ring: KeyRing) => boolean): Promise<boolean> {
    for (;;) {
      const entry = await this.#bucket.get(KEY);
      if (entry === undefined) throw new Error('there are no signing keys');
      const ring = decode(entry.value);
      const next = isWanted(ring) ? withNextKey(ring, this.#clock.now(), leadMs) : undefined;
      if (next === undefined) return false;
      if ((await this.#bucket.update(KEY, encode(next), entry.revision)).ok) return true;
    }
  }
}

const encode = (keys: KeyRing) => Buffer.from(JSON.stringify({ keys }), 'utf8');

/** Also rings of before there was a rotation: bare keys. */
function decode(value: Uint8Array): KeyRing {
  const { keys } = JSON.parse(Buffer.from(value).toString('utf8')) as { readonly keys: readonly (SigningKey | JsonWebKey)[] };
  if (keys.length === 0) throw new Error('the ring of signing keys is empty');
  return keys.map((key) => ('jwk' in key ? key : { jwk: withKeyId(key), createdAtMs: 0, signsFromMs: 0 }));
}
