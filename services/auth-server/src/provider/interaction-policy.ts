import { interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';

const { base, Check } = interactionPolicy;

/**
 * Who is asked what: to sign in where nobody is signed in, and to consent to every single authorization. Consent is never
 * remembered: client names are self-reported, and a loopback redirect says nothing about which program listens there.
 */
export function signInAndAlwaysConsent() {
  const policy = base();
  const consent = policy.get('consent');
  consent?.checks.clear();
  consent?.checks.add(
    new Check('consent_always', 'every authorization is asked for', 'consent_required', (ctx: KoaContextWithOIDC) =>
      ctx.oidc.result?.consent === undefined ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
    ),
  );
  return policy;
}
