import { fromJsonString } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { PayloadKeyMaterialSchema, type Principal, principalHash, VaultService } from '@switchyard/contracts';
import { type Rpc, RpcFault, RpcUnavailable } from '@switchyard/messaging';
import { openSealed, type SealingKey } from '@switchyard/oauth';
import type { Clock } from '@switchyard/runtime';
import type { KvStore, KvWatch } from '@switchyard/state';
import type { Logger } from '@switchyard/telemetry';

/** What one principal's captured payloads are encrypted with. */
export interface PayloadKey {
  readonly id: string;
  readonly content: Buffer;
  /** Of the digests that take the place of values; the same for all principals of the tenant. */
  readonly redaction: Buffer;
}

/** Why there is no key. */
export type NoPayloadKey = 'vault_unavailable' | 'key_destroyed';

interface Held {
  readonly key: PayloadKey;
  /** Whose it is, as `principalHash` makes it. */
  readonly owner: string;
  readonly untilMs: number;
  /** When another one is asked for, while this one is used on. */
  readonly renewAtMs: number;
}

/** What asking for keys needs. */
export interface PayloadKeysOptions {
  readonly rpc: Pick<Rpc, 'call'>;
  readonly clock: Clock;
  readonly edge: string;
  readonly sealingKey: SealingKey;
  /** The bucket `payload-erasures`. */
  readonly erasures: Pick<KvStore, 'watch'>;
  readonly log: Logger;
}

const ASK_WITHIN_MS = 2_000;
/** How long nobody asks again, after the vault has given no key: what is captured anyway must not slow all calls down. */
const REST_MS = 2_000;
const SWEEP_MS = 60_000;

/** Keys for captured payloads, leased from the token vault, one for each principal, and held in memory alone until they expire. */
export class PayloadKeys {
  readonly #o: PayloadKeysOptions;
  readonly #held = new Map<string, Held>();
  readonly #asking = new Map<string, Promise<PayloadKey | NoPayloadKey>>();
  #failed: { readonly why: NoPayloadKey; readonly untilMs: number } | undefined;
  #sweptAtMs = 0;
  /** Grows with every erasure that is heard of: what the vault was asked for before may be a key that is erased. */
  #erasures = 0;
  #watch: KvWatch | undefined;

  private constructor(options: PayloadKeysOptions) {
    this.#o = options;
  }

  /** Leases keys, and lets go of those that the vault says are erased. */
  static async open(options: PayloadKeysOptions): Promise<PayloadKeys> {
    const keys = new PayloadKeys(options);
    keys.#watch = await options.erasures.watch((change) => {
      if (change.kind === 'put') keys.#forget(change.entry.key);
    });
    await keys.#watch.ready;
    return keys;
  }

  /** Hears of erasures no more. */
  async close(): Promise<void> {
    await this.#watch?.close();
  }

  /** @param who as `principalHash` makes it */
  #forget(who: string): void {
    this.#erasures += 1;
    for (const [place, { owner }] of this.#held) if (owner === who) this.#held.delete(place);
  }

  /** The key for what a principal does now. A promise only where the vault must be asked. */
  of(principal: Principal): PayloadKey | NoPayloadKey | Promise<PayloadKey | NoPayloadKey> {
    const place = JSON.stringify([principal.tenant, principal.issuer, principal.subject]);
    const nowMs = this.#o.clock.now();
    const held = this.#held.get(place);
    if (held !== undefined && held.untilMs > nowMs) {
      if (held.renewAtMs <= nowMs && !this.#rests(nowMs)) void this.#share(place, principal);
      return held.key;
    }
    if (this.#failed !== undefined && this.#rests(nowMs)) return this.#failed.why;
    return this.#share(place, principal);
  }

  #rests(nowMs: number): boolean {
    return this.#failed !== undefined && this.#failed.untilMs > nowMs;
  }

  /** Calls that need the same key at the same time share one request. */
  #share(place: string, principal: Principal): Promise<PayloadKey | NoPayloadKey> {
    const asking = this.#asking.get(place) ?? this.#ask(place, principal).finally(() => this.#asking.delete(place));
    this.#asking.set(place, asking);
    return asking;
  }

  async #ask(place: string, principal: Principal): Promise<PayloadKey | NoPayloadKey> {
    const { rpc, clock, edge, sealingKey, log } = this.#o;
    const { tenant, issuer, subject } = principal;
    const [askedAtMs, erasures] = [clock.now(), this.#erasures];
    const request = { tenant, principalIssuer: issuer, principalSubject: subject, edge, recipientJwk: sealingKey.publicJwk };
    try {
      const options = { timeoutMs: ASK_WITHIN_MS };
      const { result } = await rpc.call(VaultService.method.leasePayloadKey, request, options);
      if (result.case === 'refusal')
        return this.#fail(result.value.reason === 'key_destroyed' ? 'key_destroyed' : 'vault_unavailable');
      if (result.case === undefined || result.value.expiresAt === undefined)
        throw new RpcFault('the vault answered without a key for payloads');
      const { sealed, version, expiresAt } = result.value;
      const key = await openKey(sealingKey, sealed, version);
      if (erasures !== this.#erasures) return await this.#ask(place, principal);
      const untilMs = timestampMs(expiresAt);
      this.#sweep(askedAtMs);
      const owner = principalHash(principal);
      this.#held.set(place, { key, owner, untilMs, renewAtMs: askedAtMs + (untilMs - askedAtMs) * 0.7 });
      this.#failed = undefined;
      return key;
    } catch (error) {
      if (!(error instanceof RpcUnavailable || error instanceof RpcFault)) throw error;
      log.warn('the token vault gave no key for captured payloads', { error });
      return this.#fail('vault_unavailable');
    }
  }

  #fail(why: NoPayloadKey): NoPayloadKey {
    this.#failed = { why, untilMs: this.#o.clock.now() + REST_MS };
    return why;
  }

  /** Keys of principals who have gone. */
  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptAtMs < SWEEP_MS) return;
    this.#sweptAtMs = nowMs;
    for (const [place, { untilMs }] of this.#held) if (untilMs <= nowMs) this.#held.delete(place);
  }
}

/** @throws RpcFault, without a cause: what a parser says of text that it cannot read quotes the text */
async function openKey({ privateKey }: SealingKey, sealed: string, id: string): Promise<PayloadKey> {
  try {
    const material = fromJsonString(PayloadKeyMaterialSchema, Buffer.from(await openSealed(privateKey, sealed)).toString('utf8'));
    const [content, redaction] = [material.contentKey, material.redactionKey].map((text) => Buffer.from(text, 'base64url'));
    if (content?.length === 32 && redaction?.length === 32) return { id, content, redaction };
  } catch {
    // Told below.
  }
  throw new RpcFault('the vault answered with a key for payloads that this edge cannot open');
}
