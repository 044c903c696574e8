import { interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';

const { base, Check } = interactionPolicy;

/**
 * Who is asked what: to sign in where nobody is signed in, and to consent to every authorization that they have not consented to in just
 * these words before. `existingGrant` has the say: without a grant there is no consent.
 */
export function signInAndConsent() {
  const policy = base();
  const consent = policy.get('consent');
  const checks = [...(consent?.checks ?? [])].filter(({ reason }) => reason === 'consent_prompt');
  consent?.checks.clear();
  for (const check of checks) consent?.checks.add(check);
  consent?.checks.add(
    new Check('consent_missing', 'what is asked for was not consented to', 'consent_required', (ctx: KoaContextWithOIDC) =>
      ctx.oidc.entities.Grant?.jti === undefined ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
    ),
  );
  return policy;
}
