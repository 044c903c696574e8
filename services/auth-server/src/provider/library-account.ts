import type { SignedInAccount } from './accounts.js';

/** Somebody, as the library and our token claims want them. */
export function libraryAccount({ subject, name, email, claims: teams }: SignedInAccount) {
  const claims = () => ({ sub: subject, ...(email === undefined ? {} : { email }) });
  return { accountId: subject, name, email, teams, claims };
}
