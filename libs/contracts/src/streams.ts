/** A JetStream stream as the services agree on it. */
export interface StreamDefinition {
  readonly name: string;
  /** Subjects that it captures. */
  readonly subjects: readonly string[];
  /** How long a message id is remembered for deduplication. */
  readonly duplicateWindowMs: number;
  /** Age at which messages may go. */
  readonly maxAgeMs: number;
  /** Size at which publishers are refused (never: oldest dropped). */
  readonly limitBytes: number;
}

const hourMs = 3_600_000;

/** Every event of every emitter, in batches of JSON lines. Kept for 72 h so that the database can be rebuilt. */
export const EVENTS_STREAM: StreamDefinition = {
  name: 'SWITCHYARD_EVENTS',
  subjects: ['switchyard.events.v1.>'],
  duplicateWindowMs: 10 * 60_000,
  maxAgeMs: 72 * hourMs,
  limitBytes: 8 * 1024 ** 3,
};

/** Durable consumer through which analytics reads EVENTS_STREAM. */
export const EVENTS_INGEST_CONSUMER = 'analytics-ingest';

/** What edges captured of calls, encrypted, in batches of JSON lines; beside the events that refer to it, never among them. */
export const PAYLOADS_STREAM: StreamDefinition = {
  name: 'SWITCHYARD_PAYLOADS',
  subjects: ['switchyard.payloads.v1.>'],
  duplicateWindowMs: 10 * 60_000,
  maxAgeMs: 72 * hourMs,
  limitBytes: 4 * 1024 ** 3,
};

/** Durable consumer through which analytics reads PAYLOADS_STREAM. */
export const PAYLOADS_INGEST_CONSUMER = 'analytics-payloads';

const subjectToken = (text: string) => Buffer.from(text, 'utf8').toString('base64url');

/**
 * Subject of one emitter's event batches. Tenant and emitter are encoded, so that `.`, `*` and `>` in them stay text.
 * @param tenant tenant id
 * @param emitter process name, for example `edge-1`
 */
export function eventsSubject(tenant: string, emitter: string): string {
  return `switchyard.events.v1.${subjectToken(tenant)}.${subjectToken(emitter)}`;
}

/** Subject of one emitter's captured payloads; as `eventsSubject`. */
export function payloadsSubject(tenant: string, emitter: string): string {
  return `switchyard.payloads.v1.${subjectToken(tenant)}.${subjectToken(emitter)}`;
}
