import { errors } from 'oidc-provider';
import { LIFETIMES } from '../lifetimes.js';
import type { OidcStore } from '../store/oidc-store.js';

const KIND = 'DevicePoll';

/** What a device is told to wait where it is told nothing else (RFC 8628 §3.2), and by how much longer each time that it did not (§3.5). */
const INTERVAL_MS = 5_000;

/**
 * Takes note of a device that asks whether somebody has approved it.
 * @throws SlowDown where it asked too short a time ago, on whichever replica; it has to wait longer from then on (RFC 8628 §3.5)
 */
export async function notePoll(store: OidcStore, deviceCode: string, nowMs: number): Promise<void> {
  const before = (await store.find(KIND, deviceCode))?.record;
  const intervalMs = Number(before?.['intervalMs'] ?? INTERVAL_MS);
  const isTooSoon = before !== undefined && nowMs - Number(before['atMs']) < intervalMs;
  const next = { atMs: nowMs, intervalMs: isTooSoon ? intervalMs + INTERVAL_MS : intervalMs };
  await store.write(KIND, deviceCode, next, LIFETIMES.deviceCodeMs);
  if (isTooSoon) throw new errors.SlowDown(`ask again in ${next.intervalMs / 1000} seconds`);
}
