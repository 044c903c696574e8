/** The tenant while there is one. */
export const DEFAULT_TENANT = 'default';

/** Who calls. */
export interface Principal {
  readonly tenant: string;
  /** Issuer of the identity; `api-key` for keys; empty for anonymous callers. */
  readonly issuer: string;
  readonly subject: string;
  /** E-mail address or key name, for people and for team membership by e-mail. */
  readonly name: string;
  readonly kind: 'user' | 'service' | 'anonymous';
  /** Lower-case, verified e-mail address, where the issuer vouches for one. */
  readonly email?: string;
  /** Values of the identity provider's teams claim. */
  readonly claims: readonly string[];
}

/** Header field in which upstreams are told who calls, as a signed JWT. */
export const CLAIMS_HEADER = 'X-Switchyard-User';

/** The gateway's own OpenID client at its own authorization server: who opens the connect pages signs in through it. */
export const CONNECT_CLIENT = { id: 'switchyard-connect', redirectPath: '/connect/signed-in' } as const;
