import { interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';
import type { Federation } from '../federation/federation.js';

const { base, Check } = interactionPolicy;

/** What their company gave at the last sign-in has ended, and something could not be done for want of it. */
const companySignIn = (federation: Pick<Federation, 'wantsSignInOf'>) =>
  new Check('company_sign_in_ended', 'the person has to sign in at their company again', 'login_required', async (ctx) => {
    const { session, result } = ctx.oidc;
    const isDue =
      session?.accountId !== undefined && result?.login === undefined && (await federation.wantsSignInOf(session.accountId));
    return isDue ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT;
  });

/**
 * Who is asked what: to sign in where nobody is signed in, and to consent to every authorization that they have not consented to in just
 * these words before. `existingGrant` has the say: without a grant there is no consent.
 */
export function signInAndConsent(federation: Pick<Federation, 'wantsSignInOf'> | undefined) {
  const policy = base();
  if (federation !== undefined) policy.get('login')?.checks.add(companySignIn(federation));
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
