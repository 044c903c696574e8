import { API_KEY_ISSUER, revocableToken, type ApiKeyDirectory, type Revocations } from '@switchyard/api-keys';
import type { LeaseCredentialRequest, Principal } from '@switchyard/contracts';
import { audienceOf, KeysUnavailable, resourceUrl, type AccessTokenVerifier } from '@switchyard/oauth';
import type { Gateway } from '../gateway-view.js';
import type { CallerKey } from './caller-key.js';

/** What a proof is judged with. */
export interface ProofContext {
  readonly tenant: string;
  readonly callerKey: CallerKey;
  readonly keys: ApiKeyDirectory;
  readonly revocations: Pick<Revocations, 'covers'>;
  readonly gateway: () => Gateway | undefined;
  /** Absent while nobody can say: there is no configuration, or no authorization server. */
  readonly verifier: () => AccessTokenVerifier | undefined;
}

/** Whether the principal of a lease is really calling, or why that is not known. */
export type Proof = ({ readonly ok: true } & ProvenCaller) | { readonly ok: false; readonly cause: ProofFailure };

/** Who is calling, and with which client, as the token or key says. */
export interface ProvenCaller {
  readonly principal: Principal;
  readonly clientId: string;
}

export type ProofFailure =
  | 'no_proof'
  | 'unreadable'
  | 'no_configuration'
  | 'route'
  | 'token_refused'
  | 'token_revoked'
  | 'key_refused'
  | 'other_principal'
  | 'keys_unavailable';

const failed = (cause: ProofFailure): Proof => ({ ok: false, cause });

/**
 * Judges the proof that a lease comes with: what the caller showed the edge, which opens a server that the upstream is part of, and
 * whose owner is the principal that the edge names. An edge that is somebody else's by now has nothing to show.
 * @throws KmsUnavailable; TenantKeyDestroyed; StateUnavailable
 */
export async function proveCaller(context: ProofContext, request: LeaseCredentialRequest): Promise<Proof> {
  if (request.callerProof === '') return failed('no_proof');
  const authorization = await context.callerKey.read(request.callerProof);
  const token = /^(?:Bearer|DPoP) ([A-Za-z0-9._~+/=-]+)$/i.exec(authorization ?? '')?.[1];
  if (token === undefined) return failed('unreadable');
  const gateway = context.gateway();
  if (gateway === undefined) return failed('no_configuration');
  return token.startsWith('sy_') ? proveKey(context, gateway, token, request) : proveToken(context, gateway, token, request);
}

function proveKey({ keys, tenant }: ProofContext, { servers }: Gateway, text: string, request: LeaseCredentialRequest): Proof {
  const key = keys.verify(text);
  if (key === undefined) return failed('key_refused');
  if (request.principalIssuer !== API_KEY_ISSUER || request.principalSubject !== key.id) return failed('other_principal');
  const opened = (servers.get(request.upstream) ?? []).some(
    ({ slug }) => key.servers.includes('*') || key.servers.includes(slug),
  );
  const { id, name } = key;
  const principal: Principal = { tenant, issuer: API_KEY_ISSUER, subject: id, name, kind: 'service', claims: [] };
  return opened ? { ok: true, principal, clientId: id } : failed('route');
}

async function proveToken(
  { tenant, verifier, revocations }: ProofContext,
  { publicUrl, servers }: Gateway,
  token: string,
  request: LeaseCredentialRequest,
): Promise<Proof> {
  const verifies = verifier();
  if (verifies === undefined) return failed('no_configuration');
  const audience = audienceOf(token);
  const resources = (servers.get(request.upstream) ?? []).map(({ resource }) => resource);
  // The gateway as a whole reaches every upstream that any server has.
  const reaching = resources.length === 0 ? [] : [...resources, resourceUrl({ publicUrl })];
  if (audience === undefined || !reaching.includes(audience)) return failed('route');
  try {
    const verified = await verifies.verify(token, audience);
    if (!verified.ok) return failed('token_refused');
    const { principal, clientId } = verified;
    // Edges refuse it as well; one that does not is no reason to lend anything.
    if (revocations.covers(revocableToken({ ...verified, subject: principal.subject }))) return failed('token_revoked');
    const same =
      principal.tenant === tenant &&
      principal.tenant === request.tenant &&
      principal.issuer === request.principalIssuer &&
      principal.subject === request.principalSubject;
    return same ? { ok: true, principal, clientId } : failed('other_principal');
  } catch (error) {
    if (error instanceof KeysUnavailable) return failed('keys_unavailable');
    throw error;
  }
}
