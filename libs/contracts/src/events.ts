import type { EventJson } from './gen/switchyard/events/v1/event_pb.js';

/** Catalogue of event types. */
export const EVENT_TYPES = [
  'tool.called',
  'tool.intended',
  'prompt.got',
  'resource.read',
  'completion.made',
  'task.used',
  'capability.listed',
  'session.opened',
  'session.closed',
  'stream.opened',
  'stream.closed',
  'policy.denied',
  'request.refused',
  'proxy.hop',
  'event.unreadable',
  'auth.rejected',
  'auth.signed_in',
  'auth.signed_out',
  'auth.token_issued',
  'auth.identity_asserted',
  'auth.client_registered',
  'auth.client_deleted',
  'auth.grant_revoked',
  'auth.token_revoked',
  'auth.person_disabled',
  'auth.person_enabled',
  'auth.key_created',
  'auth.key_revoked',
  'auth.signing_key_rotated',
  'config.applied',
  'config.rejected',
  'connection.leased',
  'connection.changed',
  'secret.changed',
  'sink.replayed',
  'vault.key_rotated',
  'vault.keys_destroyed',
  'payload.read',
  'payload.erased',
  'audit.checkpoint_signed',
  'audit.retention_intended',
  'audit.retention_deleted',
  'audit.hold_set',
  'audit.hold_released',
  'audit.shed',
  'audit.gap_found',
  'audit.gap_closed',
  'alert.fired',
  'alert.resolved',
  'alert.silenced',
  'alert.undelivered',
  'audit.rebuild_started',
] as const;

/** Type of an event. */
export type EventType = (typeof EVENT_TYPES)[number];

/** How an exchange can end. An intent has no end yet; of one whose end nobody saw, nobody knows. */
export const OUTCOMES = ['ok', 'error', 'denied', 'cancelled', 'pending', 'unknown'] as const;

/** How an exchange ended. */
export type Outcome = (typeof OUTCOMES)[number];

/** Who has to do something about a failure. */
export const ORIGINS = ['client', 'policy', 'gateway', 'upstream'] as const;

/** Where a failure comes from. */
export type Origin = (typeof ORIGINS)[number];

/**
 * How urgently somebody should look at what concerns security. `high`: somebody may have tried to do harm, and was kept from it.
 * `critical`: what the gateway stands on was tampered with.
 */
export const SEVERITIES = ['high', 'critical'] as const;

/** Severity of an event; of what does not concern security there is none. */
export type Severity = (typeof SEVERITIES)[number];

/** Where the time of an exchange goes, in the order in which it passes there. */
export const STAGES = ['authenticate', 'read', 'resolve', 'lease', 'upstream', 'render'] as const;

/** Part of an exchange whose time is told. */
export type Stage = (typeof STAGES)[number];

/** What the emitter of an event says; identity (event_id, emitter, epoch, sequence, recorded_at, chain) is added when it is recorded. */
export type EventFields = { readonly type: EventType; readonly outcome: Outcome } & Partial<
  Omit<
    EventJson,
    'type' | 'outcome' | 'event_id' | 'emitter' | 'epoch' | 'sequence' | 'recorded_at' | 'chain' | 'stage_us' | 'severity'
  >
> & { readonly stage_us?: Readonly<Partial<Record<Stage, number>>>; readonly severity?: Severity | '' };
