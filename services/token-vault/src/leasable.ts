import {
  CLAIMS_HEADER,
  type CredentialMaterialJson,
  type LeaseCredentialRequest,
  type Principal,
  type Severity,
} from '@switchyard/contracts';
import type { ProvenCaller } from './caller/prove-caller.js';
import { isMember } from './caller/team-membership.js';
import type { CredentialParts } from './credential.js';
import { kindOf } from './kinds/kinds.js';
import { KmsUnavailable } from './kms/kms.js';
import { connectWayOf, type ConnectWay } from './connect-way.js';
import { unproven } from './personal-credentials.js';
import { DAMAGE_SEVERITY, type Damage } from './sealed-store.js';
import { OAuthProblem, type OAuthProblemReason } from './upstream-oauth/oauth-problem.js';
import { claimsOf, type UserClaims } from './user-claims/claims-of.js';
import type { VaultContext } from './vault-context.js';

/** A statement about a caller is used no longer than this: by then they may be in other teams. */
const CLAIMS_LEASE_MS = 60_000;

/** A credential that may be leased. */
export interface Leasable {
  readonly ok: true;
  readonly material: CredentialMaterialJson;
  readonly version: string;
  /** The edge must ask again then, where that is sooner than usual. */
  readonly untilMs?: number;
}

/** Why there is nothing to lease. */
export interface LeaseRefusal {
  /** Stable key. */
  readonly reason: 'credential_unavailable' | 'audit_unavailable' | 'connection_required' | 'caller_unproven';
  /** One sentence for whoever called: what failed, who can fix it, and where. */
  readonly message: string;
  /** Page at which the caller can connect. */
  readonly connectUrl?: string;
}

/** Nothing to lease, and the cause. */
export type NotLeasable = LeaseRefusal & {
  readonly ok: false;
  /** For the event. */
  readonly cause: string;
  /** For the event, of what concerns security. */
  readonly severity?: Severity;
};

/** Why a credential is refused, and for the event. */
export function refused(
  cause: 'other_tenant' | 'unknown_upstream' | 'unresolved' | 'kms_unavailable' | Damage,
  message: string,
): NotLeasable {
  return { ok: false, reason: 'credential_unavailable', cause, message };
}

const DAMAGE: Readonly<Record<Damage, string>> = {
  malformed: 'is damaged in the store',
  unknown_key: "was encrypted with a key that is not the token vault's",
  key_destroyed: "cannot be read any more, because the tenant's keys were destroyed,",
  altered: 'was altered in the store, or belongs to something else',
  rolled_back: 'was replaced in the store by an older one',
  frozen: 'was altered in the store, and is frozen since that was found,',
};

async function unlessAway<T>(work: () => Promise<T>): Promise<T | KmsUnavailable> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof KmsUnavailable) return error;
    throw error;
  }
}

/**
 * Finds the credential of an upstream. A record that was moved, altered or rolled back is never used: it stays refused until
 * the configuration is applied again, and is reported as a security matter.
 * @throws StateUnavailable
 */
export async function findLeasable(vault: VaultContext, request: LeaseCredentialRequest): Promise<Leasable | NotLeasable> {
  const { tenant, upstream } = request;
  if (tenant !== vault.tenant) return refused('other_tenant', 'This token vault serves another tenant.');
  const read = await unlessAway(() => vault.credentials.get(upstream));
  if (read instanceof KmsUnavailable) return away(vault, upstream, read);
  if (read.state === 'absent') {
    const message = `The token vault holds no credential for upstream ${upstream}; an administrator must apply a configuration that has one.`;
    return refused('unknown_upstream', message);
  }
  if (read.state === 'damaged') {
    return damaged(vault, upstream, read);
  }
  const { template, material } = read.credential;
  const way = material === undefined ? undefined : connectWayOf(material);
  if (material !== undefined && way !== undefined) return findPersonal(vault, request, material, way);
  if (material?.kind === SERVICE) return findService(vault, request, material, read.version);
  if (material !== undefined && dependsOnCaller(material)) return findForCaller(vault, request, material, read.version);
  if (material !== undefined) return { ok: true, material: shown(material), version: read.version };
  const problems = await vault.credentials.problemsOf(template);
  return refused('unresolved', `The credential of upstream ${upstream} is incomplete: ${problems.join(' ')}`);
}

/** What was altered stays refused, also where it is put back as it was, until the configuration is applied again. */
async function damaged(
  vault: VaultContext,
  upstream: string,
  { damage, kvRevision }: { readonly damage: Damage; readonly kvRevision: number },
): Promise<NotLeasable> {
  const { tenant, credentials, log } = vault;
  log.error('a stored credential cannot be trusted and is not used', { upstream, reason: damage, tenant });
  const frozen = damage === 'altered' ? await unlessAway(() => credentials.freeze(upstream, kvRevision)) : undefined;
  if (frozen instanceof KmsUnavailable) log.warn('an altered record could not be frozen', { upstream, tenant, error: frozen });
  const message = `The stored credential of upstream ${upstream} ${DAMAGE[damage]}; an administrator must look into it and apply the configuration again.`;
  const severity = DAMAGE_SEVERITY[damage];
  return { ...refused(damage, message), ...(severity !== '' && { severity }) };
}

/** The caller's own, beside what is the same for all. */
async function findPersonal(
  vault: VaultContext,
  request: LeaseCredentialRequest,
  same: CredentialParts,
  way: ConnectWay,
): Promise<Leasable | NotLeasable> {
  const found = await unlessAway(() => vault.personal.lease(request, way));
  if (found instanceof KmsUnavailable) return away(vault, request.upstream, found);
  if (!found.ok) return found;
  const { headers, env } = shown(same);
  return { ...found, material: { ...found.material, headers: { ...headers, ...found.material.headers }, env: { ...env } } };
}

const CLAIMS = 'user-claims';
const SERVICE = 'client-credentials';
const EXCHANGE = 'token-exchange';
const ID_JAG = 'id-jag';
/** Refusals that say by themselves who can do something. */
const COMPLETE: ReadonlySet<OAuthProblemReason> = new Set(['sign_in_ended', 'assertion_refused', 'assertion_unavailable']);

/** A token that the gateway gets for itself. */
async function findService(
  vault: VaultContext,
  { upstream, rejectedVersion }: LeaseCredentialRequest,
  parts: CredentialParts,
  version: string,
): Promise<Leasable | NotLeasable> {
  const token = await vault.personal.services.get({ upstream, version, settings: parts.settings, rejected: rejectedVersion });
  if (token instanceof OAuthProblem) {
    const message = `The gateway's own token for ${upstream} cannot be had: ${token.message} Whoever runs the gateway must look at that upstream's credential.`;
    return { ok: false, reason: 'credential_unavailable', cause: token.reason, message };
  }
  const { headers, ...more } = shown(parts);
  const material = { ...more, headers: { ...headers, Authorization: `Bearer ${token.accessToken}` } };
  return { ok: true, material, version: token.version, untilMs: token.untilMs };
}

const dependsOnCaller = ({ kind, teams }: CredentialParts) =>
  kind === CLAIMS || kind === EXCHANGE || kind === ID_JAG || Object.keys(teams).length > 0;

/** What is made for whoever calls, once that is proven: a statement about them, or their team's credential. */
async function findForCaller(
  vault: VaultContext,
  request: LeaseCredentialRequest,
  parts: CredentialParts,
  version: string,
): Promise<Leasable | NotLeasable> {
  const proof = await unlessAway(() => vault.personal.prove(request));
  if (proof instanceof KmsUnavailable) return away(vault, request.upstream, proof);
  if (!proof.ok) return unproven(request, proof.cause);
  const publicUrl = vault.personal.gateway()?.publicUrl ?? '';
  if (parts.kind === EXCHANGE || parts.kind === ID_JAG)
    return findExchanged(vault, request, parts, version, { ...proof, publicUrl });
  if (parts.kind !== CLAIMS) return findTeam(request, proof.principal, parts, version, publicUrl);
  const statement = await unlessAway(() => vault.claims.sign(claimsOf(proof, parts, publicUrl), 'upstream'));
  if (statement instanceof KmsUnavailable) return away(vault, request.upstream, statement);
  const { headers, ...more } = shown(parts);
  const material = { ...more, headers: { ...headers, [CLAIMS_HEADER]: statement } };
  return { ok: true, material, version, untilMs: vault.clock.now() + CLAIMS_LEASE_MS };
}

/** A token for whoever calls, of an authorization server that trusts this gateway, or the company's identity provider. */
async function findExchanged(
  vault: VaultContext,
  { upstream, rejectedVersion: rejected, requestId, traceId, clientId }: LeaseCredentialRequest,
  parts: CredentialParts,
  version: string,
  { publicUrl, ...caller }: ProvenCaller & { readonly publicUrl: string },
): Promise<Leasable | NotLeasable> {
  if (caller.principal.kind !== 'user') {
    const message = `${upstream} is used with each person's own account, and you are no person: call it as somebody who is signed in.`;
    return { ok: false, reason: 'credential_unavailable', cause: 'not_a_person', message };
  }
  const asked = { upstream, version, settings: parts.settings, rejected };
  const sign = (stated: UserClaims) => vault.claims.sign(stated, 'exchange');
  const token = await unlessAway(() =>
    parts.kind === ID_JAG
      ? vault.personal.idJags.get({ ...asked, principal: caller.principal, requestId, traceId, clientId })
      : vault.personal.exchanges.get({ ...asked, claims: claimsOf(caller, parts, publicUrl), sign }),
  );
  if (token instanceof KmsUnavailable) return away(vault, upstream, token);
  if (token instanceof OAuthProblem) {
    const message = COMPLETE.has(token.reason)
      ? token.message
      : `There is no token of yours for ${upstream}: ${token.message} Whoever runs the gateway must look at that upstream's credential.`;
    return { ok: false, reason: 'credential_unavailable', cause: token.reason, message };
  }
  const { headers, ...more } = shown(parts);
  const material = { ...more, headers: { ...headers, Authorization: `Bearer ${token.accessToken}` } };
  return { ok: true, material, version: token.version, untilMs: Math.min(token.untilMs, vault.clock.now() + CLAIMS_LEASE_MS) };
}

/** The credential of the team that the edge names, where the caller is in it. */
function findTeam(
  { upstream, team: name }: LeaseCredentialRequest,
  principal: Principal,
  parts: CredentialParts,
  version: string,
  publicUrl: string,
): Leasable | NotLeasable {
  const team = Object.hasOwn(parts.teams, name) ? parts.teams[name] : undefined;
  if (team !== undefined && isMember(principal, team, publicUrl)) {
    const settings = { ...parts.settings, ...team.settings };
    return { ok: true, material: shown({ ...parts, settings }), version };
  }
  const message = `${upstream} has a credential for each of several teams, and you are not in the one whose was asked for. If you have just changed teams, sign in again; else ask the gateway's administrators.`;
  return { ok: false, reason: 'credential_unavailable', cause: team === undefined ? 'unknown_team' : 'not_in_team', message };
}

function away(vault: VaultContext, upstream: string, error: KmsUnavailable): NotLeasable {
  vault.log.warn('the key service is away, so a credential cannot be decrypted', { upstream, tenant: vault.tenant, error });
  const message = `The credential of upstream ${upstream} cannot be decrypted at the moment: ${error.message}. Whoever runs the gateway must look at the token vault's key service.`;
  return refused('kms_unavailable', message);
}

function shown({ headers, env, kind, settings }: CredentialParts): CredentialMaterialJson {
  const { headers: own, ...more } = kindOf(kind)?.show(settings) ?? {};
  return { headers: { ...headers, ...own }, env, ...more };
}
