/** What a nonce consists of (RFC 9449 §8.1), and how long one may be. */
const NONCE = /^[\x21\x23-\x5b\x5d-\x7e]{1,1024}$/;
const ORIGINS_LIMIT = 1_000;

/** The latest nonce of each server that proofs are shown to (RFC 9449 §8.2): it is used until the server gives another. */
export class DpopOrigins {
  readonly #nonces = new Map<string, string>();

  /** The nonce that a proof for this server is to have. */
  nonceFor({ origin }: URL): string | undefined {
    return this.#nonces.get(origin);
  }

  /** Keeps what a response gave in its field DPoP-Nonce, where it gave one. */
  heard({ origin }: URL, field: unknown): void {
    if (typeof field !== 'string' || !NONCE.test(field)) return;
    if (this.#nonces.size >= ORIGINS_LIMIT && !this.#nonces.has(origin)) this.#nonces.clear();
    this.#nonces.set(origin, field);
  }
}
