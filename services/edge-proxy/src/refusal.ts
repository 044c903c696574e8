import type { Severity } from '@switchyard/contracts';
import { LADDER, type Reason } from './ladder.js';

/** What only the gateway itself is to know of a refusal. */
interface Inside {
  /** Of a caller's missing connection: what `ConnectionChanges.now` was before the vault was asked. */
  readonly askedAt?: number;
  /** What decided within the reason, for the event. */
  readonly because?: string;
  /** Signing key that a token names and nobody publishes, for the event. */
  readonly keyId?: string | undefined;
  /** Of what concerns security, for the event. */
  readonly severity?: Severity;
}

const NOTHING: Inside = {};

/**
 * An expected refusal, as a value: stages return it, the wrapper renders it. It carries a sentence for whoever reads it: what
 * failed, who can fix it, and where. Never arguments, results or secrets.
 */
export class Refusal {
  /**
   * @param reason row of the refusal table
   * @param message one sentence for the client
   * @param data further members of the error's `data`
   * @param inside never shown
   */
  constructor(
    readonly reason: Reason,
    readonly message: string,
    readonly data: Readonly<Record<string, unknown>> = {},
    readonly inside: Inside = NOTHING,
  ) {}

  /** HTTP status of the answer. */
  get http(): number {
    return LADDER[this.reason].http;
  }

  /** JSON-RPC error code. */
  get code(): number {
    return LADDER[this.reason].code;
  }
}
