import { BUCKETS, DEFAULT_TENANT } from '@switchyard/contracts';
import { DpopNonces, DpopProofs, ShownCertificates } from '@switchyard/oauth';
import type { Clock } from '@switchyard/runtime';
import { type KvStore, openSharedSecret, type State, StateUnavailable } from '@switchyard/state';
import type { Exchange } from '../exchange.js';
import { Refusal } from '../refusal.js';

const NONCE_SECRET = 'nonce-secret';
const CERTIFICATE_SECRET = 'certificate-secret';
const USED = Uint8Array.of(1);

/** What a proof is judged by. */
export type Shown = Pick<Exchange, 'head' | 'catalog' | 'reply'>;

/** Makes sure that who shows a token that is bound to a key has that key (RFC 9449 §7). */
export class Possession {
  readonly #proofs: DpopProofs;
  readonly #used: KvStore;
  readonly #clock: Clock;

  /** @param o.used where all edges see which proofs were used */
  constructor(o: { readonly proofs: DpopProofs; readonly used: KvStore; readonly clock: Clock }) {
    this.#proofs = o.proofs;
    this.#used = o.used;
    this.#clock = o.clock;
  }

  /**
   * Judges the proof of a request, and spends it.
   * @param boundTo thumbprint of the key that the token is bound to
   * @returns why the request is refused; undefined where the proof holds
   */
  async refuse(token: string, boundTo: string | undefined, { head, catalog, reply }: Shown): Promise<Refusal | undefined> {
    if (boundTo === undefined)
      return new Refusal('token_invalid', 'The access token is bound to no key: send it as "Authorization: Bearer <token>".');
    if (head.proof === undefined)
      return new Refusal('proof_invalid', 'The access token is bound to a key: send a proof of having it in the field DPoP.');
    const proof = await this.#proofs.verify(head.proof, {
      method: head.method,
      url: `${catalog.publicUrl}${head.target.split('?', 1)[0] ?? ''}`,
      token,
      nonceRequired: catalog.requireDpopNonce,
    });
    if (!proof.ok) {
      if (proof.error === 'use_dpop_nonce') reply.always('dpop-nonce', this.#proofs.nextNonce());
      return new Refusal(proof.error === 'use_dpop_nonce' ? 'proof_nonce_missing' : 'proof_invalid', proof.message);
    }
    if (proof.thumbprint !== boundTo)
      return new Refusal(
        'proof_invalid',
        'The DPoP proof was made with another key than the one that the access token is bound to.',
      );
    if (proof.isNonceOld) reply.always('dpop-nonce', this.#proofs.nextNonce());
    return this.#spend(proof.id, proof.untilMs);
  }

  /** One edge alone can create the record, so of equal proofs at several edges one is taken. */
  async #spend(id: string, untilMs: number): Promise<Refusal | undefined> {
    try {
      const { ok } = await this.#used.create(id, USED, { ttlMs: Math.max(1_000, untilMs - this.#clock.now()) });
      return ok ? undefined : new Refusal('proof_invalid', 'The DPoP proof was used before: make one for every request.');
    } catch (error) {
      if (!(error instanceof StateUnavailable)) throw error;
      return new Refusal(
        'authentication_unavailable',
        'It cannot be checked now whether the DPoP proof was used before. Try again shortly.',
      );
    }
  }
}

/** Opens what edges and the authorization server share of proofs, and of certificates. @throws StateUnavailable */
export async function openPossession(
  state: State,
  clock: Clock,
): Promise<{ readonly possession: Possession; readonly told: ShownCertificates }> {
  const used = await state.bucket(BUCKETS.dpop, DEFAULT_TENANT);
  const nonces = new DpopNonces(await openSharedSecret(used, NONCE_SECRET), clock);
  const told = new ShownCertificates(await openSharedSecret(used, CERTIFICATE_SECRET), clock);
  return { possession: new Possession({ proofs: new DpopProofs(nonces, clock), used, clock }), told };
}
