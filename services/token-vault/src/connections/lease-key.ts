import type { LeaseCredentialRequest } from '@switchyard/contracts';
import { callFields } from '../caller/call-fields.js';
import type { Leasable } from '../leasable.js';
import { headersWith, type KeySettings } from '../user-key/key-settings.js';
import type { ConnectionId, KeyConnection } from './connection.js';
import type { ConnectionNewsdesk } from './connection-news.js';
import type { ConnectionStore, Intact } from './connection-store.js';
import { connectionRequired, type NoConnection } from './no-connection.js';

/** Edges use a person's credential no longer than this without asking again. */
const LEASE_MS = 60_000;

/** What leasing somebody's key stands on. */
export interface KeyLeasing {
  readonly store: ConnectionStore;
  readonly news: ConnectionNewsdesk;
  readonly clock: { now(): number };
  readonly settings: KeySettings;
  /** Page at which its owner enters another. */
  readonly connectUrl: string;
}

/**
 * What an upstream must be shown of somebody's key. One that it has refused ends: nobody but its owner can get another.
 * @returns undefined where the connection changed meanwhile: look again
 * @throws KmsUnavailable; TenantKeyDestroyed; StateUnavailable; SpoolFull
 */
export async function leaseKey(
  { store, news, clock, settings, connectUrl }: KeyLeasing,
  request: LeaseCredentialRequest,
  id: ConnectionId,
  { value, version, place }: Intact<KeyConnection>,
): Promise<Leasable | NoConnection | undefined> {
  if (value.state === 'reauth_required') return connectionRequired(request, connectUrl, 'reauth_required');
  if (request.rejectedVersion === version) {
    const ended = await store.replace(id, place, { ...value, state: 'reauth_required', key: '' });
    if (ended === undefined) return undefined;
    const actor = callFields(request);
    await news.tell({ id, change: 'reauth_required', state: 'reauth_required', version: ended, reason: 'key_refused', actor });
    return connectionRequired(request, connectUrl, 'key_refused');
  }
  const headers = headersWith(settings, value.key);
  return { ok: true, material: { headers, env: {} }, version, untilMs: clock.now() + LEASE_MS };
}
