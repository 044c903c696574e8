import { claimsKeyFrom, signClaims, type ClaimsKey } from '@switchyard/oauth';
import type { Keyring } from '../keyring/keyring.js';

/** How long one key signs. */
const EPOCH_MS = 30 * 24 * 60 * 60_000;

/**
 * What a JWT of a caller's claims calls itself, and how long it is good: no verifier of access tokens or ID tokens takes one, and none
 * for upstreams one for authorization servers.
 */
const KINDS = {
  /** Edges show a statement for a minute; clocks differ, and a call that has begun may be answered late. */
  upstream: { typ: 'switchyard-user+jwt', lifetimeSeconds: 120 },
  /** Exchanged at once. */
  exchange: { typ: 'switchyard-subject+jwt', lifetimeSeconds: 60 },
} as const;

type Claims = Parameters<typeof signClaims>[1]['claims'];

/**
 * Signs what upstreams are told of callers. Keys are made from the tenant's keys, another every thirty days: every vault has the same
 * ones, none is stored, and each is published for thirty days before it signs and for thirty after.
 */
export class ClaimsSigner {
  readonly #keyring: Keyring;
  readonly #clock: { now(): number };

  constructor(keyring: Keyring, clock: { now(): number }) {
    this.#keyring = keyring;
    this.#clock = clock;
  }

  /** @param forWhom who reads it @throws KmsUnavailable; TenantKeyDestroyed; StateUnavailable */
  async sign(claims: Claims, forWhom: keyof typeof KINDS): Promise<string> {
    const nowMs = this.#clock.now();
    const key = await this.#key(Math.floor(nowMs / EPOCH_MS));
    return signClaims(key, { ...KINDS[forWhom], claims, nowMs });
  }

  /** The keys that verify (RFC 7517 section 5): the last one, the one that signs, the next one. @throws as `sign` */
  async jwks(): Promise<{ readonly keys: readonly ClaimsKey['publicJwk'][] }> {
    const epoch = Math.floor(this.#clock.now() / EPOCH_MS);
    const keys = await Promise.all([epoch - 1, epoch, epoch + 1].map((each) => this.#key(each)));
    return { keys: keys.map(({ publicJwk }) => publicJwk) };
  }

  async #key(epoch: number): Promise<ClaimsKey> {
    const secret = await this.#keyring.derived(`user claims ${epoch}`);
    try {
      return await claimsKeyFrom(secret);
    } finally {
      secret.fill(0);
    }
  }
}
