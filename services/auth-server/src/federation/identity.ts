import type { IdentityProviderConfig } from '@switchyard/gateway-config';

/** Claims of somebody, as an identity provider states them. */
export type Claims = Readonly<Record<string, unknown>>;

/** Somebody whom an identity provider vouches for. */
export interface Identity {
  readonly provider: string;
  readonly issuer: string;
  /** `sub`: unique at the issuer, and never given to anybody else (OpenID Connect Core §2). */
  readonly subject: string;
  /** What people call them. Says nothing about who they are. */
  readonly name: string;
  /** Lower case; only where the provider says that it is theirs. */
  readonly email?: string;
  readonly claims: readonly string[];
}

/** Why somebody whom the provider knows is not let in. */
export interface NotAdmitted {
  readonly notAdmitted: string;
}

/** Reads who somebody is, and what teams they are matched by. */
export function readIdentity(claims: Claims, config: IdentityProviderConfig): Identity | NotAdmitted {
  const lacking = Object.entries(config.require).find(
    ([claim, values]) => !valuesOf(claims, claim).some((value) => values.includes(value)),
  );
  if (lacking !== undefined) return { notAdmitted: lacking[0] };
  const subject = String(claims['sub']);
  const email = verifiedEmail(claims, config);
  return {
    provider: config.name,
    issuer: String(claims['iss']),
    subject,
    name: email ?? firstText(claims, ['preferred_username', 'upn', 'name']) ?? subject,
    ...(email === undefined ? {} : { email }),
    claims: config.teamsClaim === undefined ? [] : valuesOf(claims, config.teamsClaim),
  };
}

/** Texts of a claim; a claim of this name wins over a path of names with periods between them. */
export function valuesOf(claims: Claims, name: string): string[] {
  const found = Object.hasOwn(claims, name) ? claims[name] : atPath(claims, name.split('.'));
  return (Array.isArray(found) ? found : [found]).filter((value): value is string => typeof value === 'string' && value !== '');
}

function atPath(value: unknown, [step, ...rest]: readonly string[]): unknown {
  if (step === undefined) return value;
  return typeof value === 'object' && value !== null && Object.hasOwn(value, step)
    ? atPath((value as Claims)[step], rest)
    : undefined;
}

function verifiedEmail(claims: Claims, { trustEmail, habits }: IdentityProviderConfig): string | undefined {
  const { email } = claims;
  if (typeof email !== 'string' || email === '') return undefined;
  const verified = claims[habits.emailVerifiedClaim];
  // Some providers write booleans as text or numbers.
  return trustEmail || verified === true || verified === 'true' || verified === 1 || verified === '1'
    ? email.toLowerCase()
    : undefined;
}

const firstText = (claims: Claims, names: readonly string[]) =>
  names.map((name) => claims[name]).find((value): value is string => typeof value === 'string' && value !== '');
