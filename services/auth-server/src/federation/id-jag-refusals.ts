/** Why nobody says to an upstream who a person is. */
export type IdJagRefusal =
  | 'not_signed_in_there'
  | 'sign_in_again'
  | 'person_disabled'
  | 'provider_refused'
  | 'provider_unavailable'
  | 'provider_misconfigured'
  | 'audit_unavailable';

interface Facts {
  /** What people call the provider. */
  readonly company: string;
  readonly upstream: string;
  /** Its error code, or what did not hold. */
  readonly code: string;
}

const WORDS: Readonly<Record<IdJagRefusal, (facts: Facts) => string>> = {
  not_signed_in_there: ({ upstream }) =>
    `${upstream} is used as who you are at your company, and you did not sign in to this gateway there. Whoever runs the gateway must look at how people sign in.`,
  sign_in_again: ({ upstream, company }) =>
    `${upstream} is used as who you are at ${company}, and your sign-in there has ended. Sign in to this gateway again: disconnect it in your app, and connect it.`,
  person_disabled: () =>
    'An administrator has switched off your access to this gateway. Ask them if you think that this is a mistake.',
  provider_refused: ({ upstream, company, code }) =>
    `${company} does not let this gateway use ${upstream} for you (${code}). Ask the people who look after accounts in your company.`,
  provider_unavailable: ({ upstream, company }) =>
    `${upstream} is used as who you are at ${company}, which does not answer. Try again shortly; if it stays, tell whoever runs the gateway.`,
  provider_misconfigured: ({ upstream, company, code }) =>
    `${company} does not say to ${upstream} who you are (${code}). Whoever runs the gateway must look at its registration there: it has to be allowed to exchange tokens for ID-JAGs.`,
  audit_unavailable: () =>
    'Nobody is asserted to anybody while the audit trail takes no events; whoever runs the gateway must look at the authorization server.',
};

/** One sentence or two for whoever called: what failed, who can fix it, and where. */
export const idJagProblem = (reason: IdJagRefusal, facts: Facts): string => WORDS[reason](facts);
