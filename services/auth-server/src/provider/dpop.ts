import { BUCKETS } from '@switchyard/contracts';
import { claimedJti, DpopNonces, DpopProofs } from '@switchyard/oauth';
import { openSharedSecret, type State } from '@switchyard/state';
import type { TokenEndpointGrantContext } from 'oidc-provider';
import { grantRefusal } from '../grants/grant-refusal.js';

const NONCE_SECRET = 'nonce-secret';

/** What is known of proofs of possession (RFC 9449), together with the edges: to clients it is one origin. */
export interface Dpop {
  /** What nonces are made from. */
  readonly secret: Buffer;
  readonly proofs: DpopProofs;
  readonly nonceRequired: boolean;
}

/** @throws StateUnavailable */
export async function openDpop(
  state: State,
  tenant: string,
  o: { readonly clock: { now(): number }; readonly nonceRequired: boolean },
): Promise<Dpop> {
  const secret = await openSharedSecret(await state.bucket(BUCKETS.dpop, tenant), NONCE_SECRET);
  const proofs = new DpopProofs(new DpopNonces(secret, o.clock), o.clock);
  return { secret: Buffer.from(secret), proofs, nonceRequired: o.nonceRequired };
}

/**
 * The key that a token is to be bound to, for grants of ours: oidc-provider keeps what it does for its own to itself. Spends the proof.
 * @returns its thumbprint; undefined where the client asks for a token that is not bound
 * @throws invalid_dpop_proof, use_dpop_nonce, invalid_grant
 */
export async function provedKey(
  ctx: TokenEndpointGrantContext,
  { publicUrl, dpop }: { readonly publicUrl: string; readonly dpop: Dpop },
): Promise<string | undefined> {
  const { client, provider } = ctx.oidc;
  const proof = ctx.get('DPoP');
  if (proof === '') {
    if (client.dpopBoundAccessTokens) throw grantRefusal(ctx, 'invalid_grant', 'this client has to send a DPoP proof');
    return undefined;
  }
  const wanted = { method: ctx.method, url: `${publicUrl}/oauth/token`, nonceRequired: dpop.nonceRequired };
  const verified = await dpop.proofs.verify(proof, wanted);
  if (!verified.ok) {
    if (verified.error === 'use_dpop_nonce') ctx.set('dpop-nonce', dpop.proofs.nextNonce());
    throw grantRefusal(ctx, verified.error, verified.message);
  }
  // Throws where it was used before.
  await provider.ReplayDetection.unique(client.clientId, claimedJti(proof) ?? '', verified.untilMs / 1000);
  return verified.thumbprint;
}
