import { hkdfSync, timingSafeEqual } from 'node:crypto';

const STEP_SECONDS = 60;
/** Steps before and after now whose nonces are taken: five minutes in all. */
const AROUND = [-2, -1, 0, 1, 2] as const;

/**
 * Nonces for DPoP proofs (RFC 9449 §8), from a secret that everyone shares who takes proofs: authorization servers and edges are one origin
 * to clients, which keep one nonce for it. The derivation is the one of oidc-provider, which takes and gives them at its endpoints.
 */
export class DpopNonces {
  readonly #secret: Uint8Array;
  readonly #clock: { now(): number };
  #step = -1;
  #values: readonly string[] = [];

  /** @param secret 32 bytes */
  constructor(secret: Uint8Array, clock: { now(): number }) {
    this.#secret = secret;
    this.#clock = clock;
  }

  /** The nonce that clients should use from now on. */
  next(): string {
    return this.#window()[3] ?? '';
  }

  has(nonce: string): boolean {
    const given = Buffer.from(nonce);
    return this.#window().some((value) => given.length === value.length && timingSafeEqual(given, Buffer.from(value)));
  }

  #window(): readonly string[] {
    const step = Math.floor(this.#clock.now() / 1000 / STEP_SECONDS);
    if (step !== this.#step) {
      this.#values = AROUND.map((offset) => this.#nonceOf(step + offset));
      this.#step = step;
    }
    return this.#values;
  }

  #nonceOf(step: number): string {
    const salt = Buffer.alloc(8);
    salt.writeBigUInt64BE(BigInt(step));
    return Buffer.from(hkdfSync('sha256', this.#secret, salt, 'DPoP', 32)).toString('base64url');
  }
}
