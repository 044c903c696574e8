import type { ProblemForPeople } from '../pages/error-page.js';

/** Why somebody could not be signed in through their company. */
export type SignInRefusal =
  | 'idp_unavailable'
  | 'idp_refused'
  | 'idp_misconfigured'
  | 'idp_answer_invalid'
  | 'sign_in_unknown'
  | 'foreign_browser'
  | 'not_admitted';

interface Words {
  readonly status: number;
  /** OAuth error code (RFC 6749 §4.1.2.1). */
  readonly error: string;
  readonly title: string;
  readonly text: (company: string) => string;
}

const AGAIN = 'Go back to the app and connect again.';

const WORDS: Readonly<Record<SignInRefusal, Words>> = {
  idp_unavailable: {
    status: 503,
    error: 'temporarily_unavailable',
    title: 'Your company’s sign-in does not answer',
    text: (company) => `${company} could not be reached, so nobody can be signed in at the moment. Wait a minute. ${AGAIN}`,
  },
  idp_refused: {
    status: 403,
    error: 'access_denied',
    title: 'Your company’s sign-in did not let you in',
    text: (company) =>
      `${company} ended the sign-in without saying who you are. ${AGAIN} If this stays, ask the people who look after accounts in your company whether you may use this gateway.`,
  },
  idp_misconfigured: {
    status: 500,
    error: 'server_error',
    title: 'This gateway is not set up at your company’s sign-in',
    text: (company) =>
      `${company} does not accept this gateway, so nobody can be signed in. Tell whoever runs this gateway: its client id, secret, redirect URI or scopes have to be corrected.`,
  },
  idp_answer_invalid: {
    status: 400,
    error: 'access_denied',
    title: 'The answer of your company’s sign-in cannot be trusted',
    text: (company) =>
      `What came back did not prove that ${company} sent it, so nobody was signed in. ${AGAIN} If this stays, tell whoever runs this gateway.`,
  },
  sign_in_unknown: {
    status: 400,
    error: 'invalid_request',
    title: 'This sign-in has expired',
    text: () => `It was started too long ago, or has been used already. ${AGAIN}`,
  },
  foreign_browser: {
    status: 400,
    error: 'invalid_request',
    title: 'This sign-in was started in another browser',
    text: () => `Nobody was signed in: it may not have been you who started it. ${AGAIN}`,
  },
  not_admitted: {
    status: 403,
    error: 'access_denied',
    title: 'Your account may not use this gateway',
    text: (company) =>
      `${company} knows who you are, but this gateway lets in only some of its accounts. Sign out there and use your work account, or ask whoever runs this gateway.`,
  },
};

/** What people are told. @param company what they call the provider */
export function signInProblem(reason: SignInRefusal, company: string, technical?: string): ProblemForPeople {
  const { text, ...words } = WORDS[reason];
  return { ...words, text: text(company), ...(technical === undefined ? {} : { technical }) };
}
