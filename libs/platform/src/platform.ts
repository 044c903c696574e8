import type { Audit } from '@switchyard/audit';
import type { Bus, Rpc } from '@switchyard/messaging';
import type { Clock } from '@switchyard/runtime';
import type { State } from '@switchyard/state';
import type { Logger, Telemetry } from '@switchyard/telemetry';

/** What a service stands on. Services list what they use of it as their own dependencies. */
export interface Platform {
  readonly bus: Bus;
  readonly rpc: Rpc;
  readonly state: State;
  readonly audit: Audit;
  readonly log: Logger;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  /** Closes all of it: events first, what carries them last. Close the service before. Idempotent. */
  close(): Promise<void>;
}
