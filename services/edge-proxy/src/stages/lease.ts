import {
  type CredentialMaterial,
  CredentialMaterialSchema,
  type Principal,
  type Upstream,
  VaultService,
} from '@switchyard/contracts';
import { fromJsonString } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { type Rpc, RpcFault, RpcUnavailable } from '@switchyard/messaging';
import { openSealed, type SealingKey } from '@switchyard/oauth';
import type { Clock } from '@switchyard/runtime';
import type { Logger } from '@switchyard/telemetry';
import { teamOf } from '../credential-scope.js';
import type { Reason } from '../ladder.js';
import { Refusal } from '../refusal.js';

/** For upstreams that need none. */
export const NO_CREDENTIAL: CredentialMaterial = {
  $typeName: 'switchyard.vault.v1.CredentialMaterial',
  headers: {},
  env: {},
  tlsCertificate: '',
  tlsKey: '',
};

interface Lease {
  readonly material: CredentialMaterial;
  readonly untilMs: number;
}

/** What leasing needs. */
export interface LeasesOptions {
  readonly rpc: Rpc;
  readonly clock: Clock;
  readonly edge: string;
  readonly sealingKey: SealingKey;
  readonly log: Logger;
}

const SWEEP_MS = 60_000;

const VAULT_REASONS: Readonly<Record<string, Reason>> = { connection_required: 'connection_required' };

/**
 * Upstream credentials, leased from the token vault and held in memory until they expire. Calls that need the same credential at the
 * same time share one request.
 */
export class CredentialLeases {
  readonly #options: LeasesOptions;
  /** By upstream and version of its credential, then by scope. */
  readonly #held = new Map<string, Map<string, Lease>>();
  #sweptAtMs = 0;
  readonly #asking = new Map<string, Promise<CredentialMaterial | Refusal>>();

  constructor(options: LeasesOptions) {
    this.#options = options;
  }

  /**
   * The credential for one call, or why there is none. A promise only where the vault must be asked.
   * @param scope whose credential, as `credentialScope` says: nothing of one scope is ever given to another
   */
  lease(
    upstream: Upstream,
    scope: string,
    principal: Principal,
    requestId: string,
  ): CredentialMaterial | Promise<CredentialMaterial | Refusal> {
    if (!upstream.needsCredential) return NO_CREDENTIAL;
    const place = `${upstream.name}\n${upstream.credentialVersion}`;
    const held = this.#held.get(place)?.get(scope);
    if (held !== undefined && held.untilMs > this.#options.clock.now()) return held.material;
    const key = `${place}\n${scope}`;
    const asking = this.#asking.get(key) ?? this.#ask(place, scope, upstream, principal, requestId);
    this.#asking.set(key, asking);
    return asking;
  }

  async #ask(
    place: string,
    scope: string,
    upstream: Upstream,
    principal: Principal,
    requestId: string,
  ): Promise<CredentialMaterial | Refusal> {
    try {
      const response = await this.#options.rpc.call(VaultService.method.leaseCredential, {
        tenant: principal.tenant,
        upstream: upstream.name,
        principalIssuer: principal.issuer,
        principalSubject: principal.subject,
        edge: this.#options.edge,
        recipientJwk: this.#options.sealingKey.publicJwk,
        requestId,
        team: teamOf(scope),
      });
      const { case: kind, value } = response.result;
      if (kind === 'refusal')
        return new Refusal(VAULT_REASONS[value.reason] ?? 'credential_unavailable', value.message, { upstream: upstream.name });
      if (kind === undefined || value.expiresAt === undefined) throw new RpcFault('the vault answered without a lease');
      const material = await openLease(this.#options.sealingKey, value.sealed);
      this.#hold(place, scope, upstream.name, { material, untilMs: timestampMs(value.expiresAt) });
      return material;
    } catch (error) {
      if (!(error instanceof RpcUnavailable || error instanceof RpcFault)) throw error;
      this.#options.log.warn('the token vault gave no lease', { upstream: upstream.name, request_id: requestId, error });
      const message = `The credential for ${upstream.name} cannot be had: the token vault does not answer. Try again shortly.`;
      return new Refusal('credential_unavailable', message, { upstream: upstream.name });
    } finally {
      this.#asking.delete(`${place}\n${scope}`);
    }
  }

  #hold(place: string, scope: string, upstream: string, lease: Lease): void {
    this.#sweep();
    // A replaced credential has no business in memory any more.
    for (const other of this.#held.keys()) if (other !== place && other.startsWith(`${upstream}\n`)) this.#held.delete(other);
    const scopes = this.#held.get(place) ?? new Map<string, Lease>();
    this.#held.set(place, scopes.set(scope, lease));
  }

  /** Leases of callers who have gone. */
  #sweep(): void {
    const now = this.#options.clock.now();
    if (now - this.#sweptAtMs < SWEEP_MS) return;
    this.#sweptAtMs = now;
    for (const scopes of this.#held.values()) for (const [scope, { untilMs }] of scopes) if (untilMs <= now) scopes.delete(scope);
  }
}

/** @throws RpcFault, without a cause: what a parser says of text that it cannot read quotes the text */
async function openLease({ privateKey }: SealingKey, sealed: string): Promise<CredentialMaterial> {
  try {
    const plaintext = await openSealed(privateKey, sealed);
    return fromJsonString(CredentialMaterialSchema, Buffer.from(plaintext).toString('utf8'));
  } catch {
    throw new RpcFault('the vault answered with a lease that this edge cannot open');
  }
}
