import type { EventFields } from '@switchyard/contracts';

/** The part of the audit log that this service uses. */
export interface EventSink {
  /** Resolves when the event is safe. */
  record(fields: EventFields): Promise<void>;
  /** False where the log is full: nothing that would have to be recorded may be begun. */
  accepting(): boolean;
}
