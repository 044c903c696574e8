import type { EventType } from '@switchyard/contracts';

/** Classes of OCSF that events are told in. */
export const CLASSES = {
  api: { uid: 6003, name: 'API Activity', category_uid: 6, category_name: 'Application Activity' },
  authentication: { uid: 3002, name: 'Authentication', category_uid: 3, category_name: 'Identity & Access Management' },
  account: { uid: 3001, name: 'Account Change', category_uid: 3, category_name: 'Identity & Access Management' },
  entity: { uid: 3004, name: 'Entity Management', category_uid: 3, category_name: 'Identity & Access Management' },
  error: { uid: 6008, name: 'Application Error', category_uid: 6, category_name: 'Application Activity' },
} as const;

/** One of them. */
export type ClassName = keyof typeof CLASSES;

/** What an event is in OCSF. */
export interface Activity {
  readonly of: ClassName;
  /** `activity_id` of the class; 99 is an activity that it does not list. */
  readonly id: number;
  readonly name: string;
  /** Of Entity Management, what is managed; `uid` and `name` are fields of the event, or keys of its detail. */
  readonly entity?: { readonly type: string; readonly uid?: string; readonly name?: string };
}

const read = { of: 'api', id: 2, name: 'Read' } as const;
const api = (name: string): Activity => ({ of: 'api', id: 99, name });
const authentication = (name: string): Activity => ({ of: 'authentication', id: 99, name });
const created = (entity: Activity['entity'] & object): Activity => ({ of: 'entity', id: 1, name: 'Create', entity });
const used = (entity: Activity['entity'] & object): Activity => ({ of: 'entity', id: 2, name: 'Read', entity });
const updated = (entity: Activity['entity'] & object): Activity => ({ of: 'entity', id: 3, name: 'Update', entity });
const deleted = (entity: Activity['entity'] & object): Activity => ({ of: 'entity', id: 4, name: 'Delete', entity });

const KEY = { type: 'API Key', uid: 'detail.key_id', name: 'detail.key_name' };
const CONFIGURATION = { type: 'Configuration', uid: 'snapshot', name: 'detail.file' };
const CREDENTIAL = { type: 'Credential', name: 'upstream' };
const DATA_KEY = { type: 'Data Key', uid: 'detail.key_id' };

/** Every type of event: one row. */
export const ACTIVITIES: Readonly<Record<EventType, Activity>> = {
  'tool.called': api('Call'),
  'tool.intended': api('Intend'),
  'prompt.got': read,
  'resource.read': read,
  'completion.made': read,
  'task.used': api('Follow Task'),
  'capability.listed': read,
  'session.opened': api('Open Session'),
  'session.closed': api('Close Session'),
  'stream.opened': api('Open Stream'),
  'stream.closed': api('Close Stream'),
  'policy.denied': api('Request'),
  'request.refused': api('Request'),
  'proxy.hop': api('Forward'),
  'event.unreadable': { of: 'error', id: 1, name: 'General Error' },
  'auth.rejected': { of: 'authentication', id: 1, name: 'Logon' },
  'auth.signed_in': { of: 'authentication', id: 1, name: 'Logon' },
  'auth.signed_out': { of: 'authentication', id: 2, name: 'Logoff' },
  'auth.token_issued': authentication('Issue Token'),
  'auth.identity_asserted': authentication('Assert Identity'),
  'auth.client_registered': created({ type: 'OAuth Client', uid: 'client_id', name: 'client_name' }),
  'auth.client_deleted': deleted({ type: 'OAuth Client', uid: 'detail.client', name: 'detail.client_name' }),
  'auth.grant_revoked': authentication('Revoke Grant'),
  'auth.token_revoked': authentication('Revoke Token'),
  'auth.person_disabled': { of: 'account', id: 5, name: 'Disable' },
  'auth.person_enabled': { of: 'account', id: 2, name: 'Enable' },
  'auth.key_created': created(KEY),
  'auth.key_revoked': deleted(KEY),
  'auth.signing_key_rotated': updated({ type: 'Signing Key' }),
  'config.applied': updated(CONFIGURATION),
  'config.rejected': updated(CONFIGURATION),
  'connection.leased': used(CREDENTIAL),
  'connection.changed': updated(CREDENTIAL),
  'secret.changed': updated({ type: 'Secret', name: 'detail.name' }),
  'sink.replayed': api('Replay'),
  'vault.key_rotated': updated(DATA_KEY),
  'vault.keys_destroyed': deleted(DATA_KEY),
  'payload.read': { of: 'api', id: 2, name: 'Read' },
  'payload.erased': deleted({ type: 'Captured Payloads', name: 'detail.erased_subject' }),
  'audit.checkpoint_signed': created({ type: 'Audit Checkpoint', uid: 'detail.number', name: 'detail.digest' }),
  'audit.retention_intended': api('Intend Deletion'),
  'audit.retention_deleted': deleted({ type: 'Audit Records', uid: 'detail.id', name: 'detail.table' }),
  'audit.hold_set': created({ type: 'Legal Hold', name: 'detail.hold' }),
  'audit.hold_released': deleted({ type: 'Legal Hold', name: 'detail.hold' }),
  'audit.shed': { of: 'error', id: 1, name: 'General Error' },
  'audit.gap_found': { of: 'error', id: 1, name: 'General Error' },
  'audit.gap_closed': { of: 'error', id: 99, name: 'Gap Closed' },
  'audit.rebuild_started': api('Rebuild'),
  // Findings (2004) have a life of their own, from new to resolved, which an event that is one moment of an alert has not.
  'alert.fired': { of: 'error', id: 99, name: 'Alert Fired' },
  'alert.resolved': { of: 'error', id: 99, name: 'Alert Resolved' },
  'alert.silenced': updated({ type: 'Alert', name: 'detail.alert' }),
  'alert.undelivered': { of: 'error', id: 1, name: 'General Error' },
};
