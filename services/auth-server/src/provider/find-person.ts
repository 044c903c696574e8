import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { signedOut } from '../events/auth-events.js';
import { exchangeOf } from '../events/exchange.js';
import type { Federation } from '../federation/federation.js';
import type { PeopleRegister } from '../people/people-register.js';
import type { Accounts, SignedInAccount } from './accounts.js';

/**
 * Finds whom something is to be issued for. At a refresh, their identity provider is asked whether they may still sign in.
 * @returns undefined where they may not
 * @throws TemporarilyUnavailable where that has been impossible to find out for too long
 */
export async function findPerson(
  ctx: KoaContextWithOIDC,
  subject: string,
  {
    accounts,
    people,
    federation,
  }: { readonly accounts: Accounts; readonly people: PeopleRegister; readonly federation?: Federation },
): Promise<SignedInAccount | undefined> {
  const [account, isDisabled] = await Promise.all([accounts.find(subject), people.isDisabled(subject)]);
  if (isDisabled) return undefined;
  // Who signed in for development is nobody where people sign in at their company, and the reverse.
  if (account === undefined || (federation?.vouchesFor(account) ?? account.origin === undefined) === false) return undefined;
  if (federation === undefined || ctx.oidc.params?.['grant_type'] !== 'refresh_token') return account;
  const standing = await federation.standingOf(account);
  if (standing === 'unknown')
    throw new errors.TemporarilyUnavailable('your identity provider cannot be asked at the moment; try again later');
  if (standing !== 'gone') return standing;
  exchangeOf(ctx).events.push(signedOut(ctx, ctx.oidc.issuer, account, 'provider_refused'));
  return undefined;
}
