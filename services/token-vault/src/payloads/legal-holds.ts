import { ErasureService } from '@switchyard/contracts';
import { RpcFault, RpcUnavailable, type Rpc } from '@switchyard/messaging';
import type { Logger } from '@switchyard/telemetry';

/** Whether somebody's captured payloads may be erased now. */
export type MayErase =
  | { readonly state: 'allowed'; readonly id: string }
  | { readonly state: 'held'; readonly holds: readonly string[] }
  | { readonly state: 'unknown' };

/** Names of principals are looked up in a database, which may have to wait. */
const ANSWERED_WITHIN_MS = 15_000;

interface LegalHoldsOptions {
  readonly rpc: Rpc;
  readonly tenant: string;
  readonly log: Logger;
}

/** Legal holds, which analytics keeps: what one covers is not erased. */
export class LegalHolds {
  readonly #o: LegalHoldsOptions;

  constructor(options: LegalHoldsOptions) {
    this.#o = options;
  }

  /** Asks whether what was captured of a principal may be erased; where it may, holds that are set before `end` know of it. */
  async begin(principalIssuer: string, principalSubject: string): Promise<MayErase> {
    const { rpc, tenant } = this.#o;
    const request = { tenant, principalIssuer, principalSubject };
    const answer = await this.#ask(() =>
      rpc.call(ErasureService.method.beginErasure, request, { timeoutMs: ANSWERED_WITHIN_MS }),
    );
    const result = answer?.result;
    if (result?.case === 'erasureId') return { state: 'allowed', id: result.value };
    const isHeld = result?.case === 'refusal' && result.value.reason === 'held';
    return isHeld ? { state: 'held', holds: result.value.holds } : { state: 'unknown' };
  }

  /** Says that it is erased. Where that does not arrive, holds go on saying that it is under way. */
  async end(erasureId: string): Promise<void> {
    const { rpc, tenant } = this.#o;
    await this.#ask(() => rpc.call(ErasureService.method.endErasure, { tenant, erasureId }));
  }

  async #ask<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RpcUnavailable || error instanceof RpcFault)) throw error;
      this.#o.log.warn('analytics, which knows the legal holds, does not answer', { error });
      return undefined;
    }
  }
}
