import { PAYLOADS_STREAM, payloadsSubject } from '@switchyard/contracts';
import type { Bus } from '@switchyard/messaging';
import type { Clock } from '@switchyard/runtime';
import type { Logger } from '@switchyard/telemetry';
import { existsSync } from 'node:fs';
import { Forwarder } from '../forwarder.js';
import { Spool } from '../spool.js';
import { renderOpenPayload, type SealedPayload } from './payload-line.js';

/** What a spool of payloads is told. */
export interface PayloadSpoolOptions {
  /** Directory of its own; made when the first payload comes. */
  readonly dir: string;
  readonly emitter: string;
  readonly tenant: string;
  /** Most bytes that may wait on disk to be forwarded. */
  readonly limitBytes: number;
  readonly segmentBytes: number;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * What this process captured of calls, on its way: kept apart from events, so that neither the chain, nor sinks, nor whoever watches the
 * stream of events ever has it. Where nothing is captured there is neither a file nor a forwarder.
 */
export class PayloadSpool {
  readonly #options: PayloadSpoolOptions;
  #open: { readonly spool: Spool; readonly forwarder: Forwarder } | undefined;
  #isClosed = false;

  /** What an earlier process left is forwarded at once. @throws the system's error */
  constructor(options: PayloadSpoolOptions) {
    this.#options = options;
    if (existsSync(options.dir)) this.#opened();
  }

  /** Whether a payload is taken now. */
  accepting(): boolean {
    if (this.#isClosed) return false;
    try {
      return this.#opened().spool.accepting();
    } catch (error) {
      this.#options.log.error('the spool of captured payloads cannot be opened', { file: this.#options.dir, error });
      return false;
    }
  }

  /**
   * Keeps a payload. Ask whether it is accepted first.
   * @returns when it is in the kernel
   * @throws SpoolFull (as a rejection) at the cap, or where the disk refuses it; the system's error where it cannot be opened
   */
  async keep(payload: SealedPayload): Promise<void> {
    await this.#opened().spool.append((_sequence, keptAtMs) => renderOpenPayload(payload, keptAtMs));
  }

  /** @returns when everything that was kept is on the disk @throws SpoolFull (as a rejection) where the disk refuses */
  async synced(): Promise<void> {
    await this.#opened().spool.synced();
  }

  /** Bytes that wait to be forwarded. */
  depthBytes(): number {
    return this.#open?.spool.backlog.depthBytes ?? 0;
  }

  /** Writes what was kept, and forwards what can be forwarded before `timeUp`. Idempotent. */
  async close(timeUp: Promise<unknown>): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#open === undefined) return;
    const { spool, forwarder } = this.#open;
    spool.flush();
    await Promise.race([forwarder.drained(), timeUp]);
    await forwarder.stop();
    spool.close();
  }

  #opened(): { readonly spool: Spool; readonly forwarder: Forwarder } {
    if (this.#open !== undefined) return this.#open;
    const { tenant, emitter } = this.#options;
    const spool = Spool.open(this.#options);
    const to = { stream: PAYLOADS_STREAM, subject: payloadsSubject(tenant, emitter) };
    this.#open = { spool, forwarder: new Forwarder({ ...this.#options, spool, to }) };
    return this.#open;
  }
}
