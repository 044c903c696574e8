import type { EventJson } from './gen/switchyard/events/v1/event_pb.js';

/** Catalogue of event types. */
export const EVENT_TYPES = [
  'tool.called',
  'prompt.got',
  'resource.read',
  'completion.made',
  'task.used',
  'capability.listed',
  'session.opened',
  'session.closed',
  'policy.denied',
  'request.refused',
  'proxy.hop',
  'auth.rejected',
  'auth.signed_in',
  'auth.signed_out',
  'auth.token_issued',
  'auth.client_registered',
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
  'vault.key_rotated',
  'vault.keys_destroyed',
] as const;

/** Type of an event. */
export type EventType = (typeof EVENT_TYPES)[number];

/** How an exchange can end. */
export const OUTCOMES = ['ok', 'error', 'denied', 'cancelled'] as const;

/** How an exchange ended. */
export type Outcome = (typeof OUTCOMES)[number];

/** What the emitter of an event says; identity (event_id, emitter, epoch, sequence) is added when it is recorded. */
export type EventFields = { readonly type: EventType; readonly outcome: Outcome } & Partial<
  Omit<EventJson, 'type' | 'outcome' | 'event_id' | 'emitter' | 'epoch' | 'sequence'>
>;
