import type { LeaseCredentialRequest } from '@switchyard/contracts';
import { callFields } from '../caller/call-fields.js';
import type { Leasable } from '../leasable.js';
import type { Damage } from '../sealed-store.js';
import { scopesOf } from '../upstream-oauth/challenge.js';
import { OAuthProblem } from '../upstream-oauth/oauth-problem.js';
import { fits, type ConnectWay } from '../connect-way.js';
import type { ConnectionId, ConnectionsOf, OAuthConnection } from './connection.js';
import type { ConnectionNewsdesk } from './connection-news.js';
import type { ConnectionStore } from './connection-store.js';
import { leaseKey } from './lease-key.js';
import { connectionRequired, damagedConnection, type ConnectCause, type NoConnection } from './no-connection.js';
import type { Refreshed, Refresher, Standing } from './refresh.js';
import { ageOf } from './token-times.js';

/** What leasing somebody's own credential stands on. */
export interface ConnectionLeasing {
  readonly store: ConnectionStore;
  readonly refresher: Refresher;
  readonly news: ConnectionNewsdesk;
  readonly clock: { now(): number };
  /** Page at which somebody connects to an upstream. */
  readonly connectUrl: (upstream: string) => string;
}

type Found = Leasable | NoConnection;

/** Edges use a person's credential no longer than this without asking again. */
const LEASE_MS = 60_000;
/** A token this young that is refused is not refused for its age: renewing it again would be a loop. */
const YOUNG_MS = 30_000;

/**
 * Finds what an upstream must be shown for one person: their default connection, renewed where it must be.
 * @param way how people connect to the upstream
 * @throws KmsUnavailable; TenantKeyDestroyed; StateUnavailable
 */
export async function leaseConnection(
  leasing: ConnectionLeasing,
  request: LeaseCredentialRequest,
  way: ConnectWay,
): Promise<Found> {
  const { upstream, principalIssuer: issuer, principalSubject: subject } = request;
  const of: ConnectionsOf = { issuer, subject, upstream };
  const index = await leasing.store.index(of);
  if (index.state === 'damaged') return damaged(leasing, { ...of, label: '' }, index);
  if (index.state === 'absent') return connect(leasing, request, 'not_connected');
  const id: ConnectionId = { ...of, label: index.value.default };
  const standing = await leasing.store.get(id);
  if (standing.state === 'absent') return connect(leasing, request, 'not_connected');
  if (standing.state === 'damaged') return damaged(leasing, id, standing);
  const { value } = standing;
  if (value.format === 1 && way.kind === 'oauth') return leaseStanding(leasing, request, id, { ...standing, value });
  // What was made in the way of an earlier configuration is of no use in another.
  if (value.format === 1 || way.kind === 'oauth') return connect(leasing, request, 'not_connected');
  if (!fits(way, value)) return connect(leasing, request, 'moved');
  const { store, news, clock } = leasing;
  const o = { store, news, clock, settings: way.settings, connectUrl: leasing.connectUrl(upstream) };
  return (await leaseKey(o, request, id, { ...standing, value })) ?? leaseConnection(leasing, request, way);
}

/** What was altered stays refused, also where it is put back as it was, until its owner connects again. */
async function damaged(
  { store, connectUrl }: ConnectionLeasing,
  id: ConnectionId,
  { damage, place }: { readonly damage: Damage; readonly place: number },
): Promise<NoConnection> {
  if (damage === 'altered') await store.freeze(id, place);
  return damagedConnection(id.upstream, connectUrl(id.upstream), damage);
}

const connect = ({ connectUrl }: ConnectionLeasing, request: LeaseCredentialRequest, cause: ConnectCause) =>
  connectionRequired(request, connectUrl(request.upstream), cause);

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
  if (rejected || age === 'expired')
    return refreshed(leasing, request, await refresher.refresh(id, version, callFields(request)));
  // Whoever calls now is not kept waiting for what later calls will need.
  if (age === 'due') refresher.refreshAhead(id, version, callFields(request));
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
  const { accessToken, expiresAtMs = Infinity, dpopKey } = value;
  const untilMs = Math.min(clock.now() + LEASE_MS, expiresAtMs);
  const material =
    dpopKey === undefined
      ? { headers: { Authorization: `Bearer ${accessToken}` }, env: {} }
      : { headers: { Authorization: `DPoP ${accessToken}` }, env: {}, dpopKey };
  return { ok: true, material, version, untilMs };
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
  if (wanted.length > value.wanted.length) await leasing.store.replace(id, place, { ...value, wanted } satisfies OAuthConnection);
  return connect(leasing, request, 'scope_required');
}
