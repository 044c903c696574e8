import { API_KEY_ISSUER } from '@switchyard/api-keys';
import { isMember } from '../caller/team-membership.js';
import type { ProvenCaller } from '../caller/prove-caller.js';
import type { CredentialParts } from '../credential.js';

/** What an upstream is told of who calls. */
export interface UserClaims {
  readonly iss: string;
  readonly aud: string;
  readonly sub: string;
  readonly tenant: string;
  readonly client_id: string;
  /** Who acts for the subject: the client (RFC 8693 section 4.1). */
  readonly act: { readonly sub: string };
  readonly kind: string;
  readonly email?: string;
  readonly name?: string;
  /** Teams of the configuration that the caller is in. */
  readonly teams: readonly string[];
  readonly [claim: string]: unknown;
}

/**
 * The claims of one caller for one upstream.
 * @param parts the credential, with every team of the configuration
 * @param publicUrl of the gateway, which says all this
 */
export function claimsOf(
  { principal, clientId }: ProvenCaller,
  { settings, teams }: Pick<CredentialParts, 'settings' | 'teams'>,
  publicUrl: string,
): UserClaims {
  const { issuer, subject, tenant, kind, email, name } = principal;
  return {
    iss: publicUrl,
    aud: settings['audience'] ?? '',
    // Ids of keys and subjects of people are given by different hands, and might be alike.
    sub: issuer === API_KEY_ISSUER ? `${API_KEY_ISSUER}:${subject}` : subject,
    tenant,
    client_id: clientId,
    act: { sub: clientId },
    kind,
    ...(email !== undefined && { email }),
    ...(name !== '' && { name }),
    teams: Object.entries(teams).flatMap(([team, members]) => (isMember(principal, members, publicUrl) ? [team] : [])),
  };
}
