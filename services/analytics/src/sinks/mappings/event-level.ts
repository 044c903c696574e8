import type { EventType, Outcome } from '@switchyard/contracts';
import type { ToldEvent } from './told-event.js';

/** How much an event asks to be looked at, least first. Every mapping has its own number for each. */
export const LEVELS = ['informational', 'low', 'medium', 'high', 'critical'] as const;

/** One of them. */
export type Level = (typeof LEVELS)[number];

const BY_OUTCOME: Readonly<Record<Outcome, Level>> = {
  ok: 'informational',
  pending: 'informational',
  cancelled: 'informational',
  error: 'low',
  denied: 'medium',
  unknown: 'medium',
};

/** Where the type alone says more than how it ended. */
const BY_TYPE: Readonly<Partial<Record<EventType, Level>>> = {
  'auth.client_registered': 'low',
  'auth.client_deleted': 'low',
  'auth.person_disabled': 'medium',
  'auth.person_enabled': 'medium',
  'auth.key_created': 'low',
  'auth.key_revoked': 'low',
  'auth.signing_key_rotated': 'low',
  'config.applied': 'low',
  'config.rejected': 'medium',
  'secret.changed': 'low',
  'sink.replayed': 'low',
  'vault.key_rotated': 'low',
  'vault.keys_destroyed': 'critical',
  'event.unreadable': 'high',
  'audit.retention_deleted': 'low',
  'audit.hold_set': 'low',
  'audit.hold_released': 'medium',
  'audit.shed': 'high',
  'audit.gap_found': 'high',
  'audit.gap_closed': 'low',
  'audit.rebuild_started': 'low',
  'alert.fired': 'medium',
  'alert.silenced': 'low',
  'alert.undelivered': 'medium',
};

const row = (table: Readonly<Record<string, Level | undefined>>, key: string) =>
  Object.hasOwn(table, key) ? table[key] : undefined;
const rank = (level: Level | undefined) => (level === undefined ? 0 : LEVELS.indexOf(level));

/** The highest of what its type, its outcome and its own severity say. */
export function levelOf({ type = '', outcome = '', severity = '' }: ToldEvent): Level {
  const own = LEVELS.find((level) => level === severity);
  return LEVELS[Math.max(rank(row(BY_TYPE, type)), rank(row(BY_OUTCOME, outcome)), rank(own))] ?? 'informational';
}

/** From 0 to 10, as CEF and most products count: 0 to 3 is low, 4 to 6 medium, 7 and 8 high, 9 and 10 very high. */
export const SEVERITY_OF_10: Readonly<Record<Level, number>> = { informational: 1, low: 3, medium: 5, high: 8, critical: 10 };
