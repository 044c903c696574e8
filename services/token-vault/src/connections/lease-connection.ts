import type { LeaseCredentialRequest } from '@switchyard/contracts';
import { API_KEY_ISSUER } from '@switchyard/api-keys';
import type { Leasable, LeaseRefusal } from '../leasable.js';
import { scopesOf } from '../upstream-oauth/challenge.js';
import { OAuthProblem } from '../upstream-oauth/oauth-problem.js';
import type { Connection, ConnectionId, ConnectionsOf } from './connection.js';
import type { ConnectionStore } from './connection-store.js';
import type { Refreshed, Refresher, Standing } from './refresh.js';
import { ageOf } from './token-times.js';

/** What leasing somebody's own credential stands on. */
export interface ConnectionLeasing {
  readonly store: ConnectionStore;
  readonly refresher: Refresher;
  readonly clock: { now(): number };
  /** Page at which somebody connects to an upstream. */
  readonly connectUrl: (upstream: string) => string;
}

type Found = Leasable | (LeaseRefusal & { readonly ok: false; readonly cause: string });

/** Edges use a person's credential no longer than this without asking again. */
const LEASE_MS = 60_000;
/** A token this young that is refused is not refused for its age: renewing it again would be a loop. */
const YOUNG_MS = 30_000;

/**
 * Finds what an upstream must be shown for one person: their default connection, renewed where it must be.
 * @throws KmsUnavailable; TenantKeyDestroyed; StateUnavailable
 */
export async function leaseConnection(leasing: ConnectionLeasing, request: LeaseCredentialRequest): Promise<Found> {
  const { upstream, principalIssuer: issuer, principalSubject: subject } = request;
  const of: ConnectionsOf = { issuer, subject, upstream };
  const index = await leasing.store.index(of);
  if (index.state === 'damaged') return damaged(upstream, index.damage);
  if (index.state === 'absent') return connect(leasing, request, 'not_connected');
  const id: ConnectionId = { ...of, label: index.value.default };
  const standing = await leasing.store.get(id);
  if (standing.state === 'absent') return connect(leasing, request, 'not_connected');
  if (standing.state === 'damaged') return damaged(upstream, standing.damage);
  return leaseStanding(leasing, request, id, standing);
}

async function leaseStanding(
  leasing: ConnectionLeasing,
  request: LeaseCredentialRequest,
  id: ConnectionId,
  standing: Standing,
): Promise<Found> {
  const { clock, refresher } = leasing;
  const { value, version } = standing;
  if (value.state === 'reauth_required') return connect(leasing, request, 'reauth_required');
  const rejected = request.rejectedVersion === version;
  const young = clock.now() - value.obtainedAtMs < YOUNG_MS;
  const asked = request.challengeScopes.flatMap(scopesOf);
  const wider = asked.some((scope) => !value.scopes.includes(scope));
  // Scopes are what is missing where a good token is refused: renewing cannot widen it (RFC 6749 §6).
  if (wider && (request.rejectedVersion === '' || (rejected && young))) return stepUp(leasing, request, id, standing, asked);
  if (rejected && young) return connect(leasing, request, 'token_refused');
  const age = ageOf(value, clock.now());
  if (rejected || age === 'expired') return refreshed(leasing, request, await refresher.refresh(id, version));
  // Whoever calls now is not kept waiting for what later calls will need.
  if (age === 'due') refresher.refreshAhead(id, version);
  return leased(leasing, standing);
}

function refreshed(leasing: ConnectionLeasing, request: LeaseCredentialRequest, outcome: Refreshed): Found {
  if (outcome === 'gone') return connect(leasing, request, 'not_connected');
  if (outcome instanceof OAuthProblem) {
    const message = `The credential of ${request.upstream} cannot be renewed at the moment: ${outcome.message}`;
    return { ok: false, reason: 'credential_unavailable', cause: outcome.reason, message };
  }
  return outcome.value.state === 'connected' ? leased(leasing, outcome) : connect(leasing, request, 'reauth_required');
}

function leased({ clock }: ConnectionLeasing, { value, version }: Standing): Leasable {
  const { accessToken, expiresAtMs = Infinity } = value;
  const untilMs = Math.min(clock.now() + LEASE_MS, expiresAtMs);
  return { ok: true, material: { headers: { Authorization: `Bearer ${accessToken}` }, env: {} }, version, untilMs };
}

/** Takes down what the upstream wants besides, so that connecting again asks for all of it. */
async function stepUp(
  leasing: ConnectionLeasing,
  request: LeaseCredentialRequest,
  id: ConnectionId,
  { value, place }: Standing,
  asked: readonly string[],
): Promise<Found> {
  const wanted = [...new Set([...value.wanted, ...asked])];
  // Where somebody else wrote meanwhile, the next challenge says it again.
  if (wanted.length > value.wanted.length) await leasing.store.replace(id, place, { ...value, wanted } satisfies Connection);
  return connect(leasing, request, 'scope_required');
}

const WHY: Readonly<Record<string, (upstream: string) => string>> = {
  not_connected: (upstream) => `You have not connected ${upstream} to this gateway yet`,
  reauth_required: (upstream) => `Your connection to ${upstream} has ended`,
  token_refused: (upstream) => `${upstream} refuses the token that your connection has just been given`,
  scope_required: (upstream) => `${upstream} needs more permissions than your connection has`,
};

function connect({ connectUrl }: ConnectionLeasing, request: LeaseCredentialRequest, cause: keyof typeof WHY): Found {
  const { upstream, principalIssuer } = request;
  if (principalIssuer === API_KEY_ISSUER) {
    const message = `${upstream} is used with each person's own account, and an API key is nobody's: call it as somebody who is signed in.`;
    return { ok: false, reason: 'credential_unavailable', cause: 'api_key', message };
  }
  const url = connectUrl(upstream);
  const message = `${WHY[cause]?.(upstream) ?? ''}. Open ${url} to connect it, then try again.`;
  return { ok: false, reason: 'connection_required', cause, message, connectUrl: url };
}

const damaged = (upstream: string, damage: string): Found => ({
  ok: false,
  reason: 'credential_unavailable',
  cause: damage,
  message: `Your stored connection to ${upstream} cannot be trusted any more and is not used; an administrator must look into it. Connecting again replaces it.`,
});
