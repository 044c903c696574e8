import type { CredentialParts } from '../credential.js';
import { basic } from './basic.js';
import { clientCredentials } from './client-credentials.js';
import { header } from './header.js';
import { idJag } from './id-jag.js';
import type { Kind, Settings } from './kind.js';
import { mtls } from './mtls.js';
import { oauth } from './oauth.js';
import { tokenExchange } from './token-exchange.js';
import { userClaims } from './user-claims.js';
import { userKey } from './user-key.js';

/** Every kind of credential that is more than fixed header fields and variables. */
const KINDS: Readonly<Record<string, Kind>> = {
  basic,
  header,
  mtls,
  oauth,
  'user-claims': userClaims,
  'user-key': userKey,
  'client-credentials': clientCredentials,
  'token-exchange': tokenExchange,
  'id-jag': idJag,
};

/** The kind that goes by a name; undefined where this vault has none. */
export const kindOf = (name: string): Kind | undefined => (Object.hasOwn(KINDS, name) ? KINDS[name] : undefined);

/** Why no credential can be made from these parts, each in one sentence; empty where one can, for every team that has its own. */
export function kindProblems({ kind, settings, teams }: CredentialParts): string[] {
  if (kind === '') return [];
  const found = kindOf(kind);
  if (found === undefined)
    return [`the token vault does not know credentials of the kind "${kind}". Run the same version of all services.`];
  const all: Settings[] = Object.values(teams).map((team) => ({ ...settings, ...team.settings }));
  return (all.length === 0 ? [settings] : all).flatMap((given) => found.problems(given));
}
