import { LADDER, type Reason } from './ladder.js';

/**
 * An expected refusal, as a value: stages return it, the wrapper renders it. It carries a sentence for whoever reads it: what
 * failed, who can fix it, and where. Never arguments, results or secrets.
 */
export class Refusal {
  /**
   * @param reason row of the refusal table
   * @param message one sentence for the client
   * @param data further members of the error's `data`
   */
  constructor(
    readonly reason: Reason,
    readonly message: string,
    readonly data: Readonly<Record<string, unknown>> = {},
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
