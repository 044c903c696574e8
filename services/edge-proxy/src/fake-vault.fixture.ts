import { create, fromJson, type JsonValue, toJson } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  BUCKETS,
  CALLER_PROOF_KEY,
  type ConnectionChange,
  connectionChangeKey,
  DEFAULT_TENANT,
  type LeaseCredentialRequest,
  LeaseCredentialRequestSchema,
  LeaseCredentialResponseSchema,
  rpcSubject,
  VaultService,
} from '@switchyard/contracts';
import type { Rpc } from '@switchyard/messaging';
import { generateSealingKey, openSealed, sealTo } from '@switchyard/oauth';
import type { State } from '@switchyard/state';

/** A credential in clear, or why there is none. */
export type FakeLease =
  | {
      readonly headers?: Record<string, string>;
      readonly env?: Record<string, string>;
      readonly lastsMs?: number;
      readonly version?: string;
      readonly dpopKey?: string;
    }
  | { readonly reason: string; readonly message: string; readonly connectUrl?: string }
  | 'fault'
  /** A lease sealed to somebody else. */
  | 'garbled';

/** A vault that leases what it is told, over the real contract. */
export interface FakeVault {
  readonly requests: readonly LeaseCredentialRequest[];
  /** What is leased from now on. */
  lease: FakeLease | ((request: LeaseCredentialRequest) => FakeLease);
  /** Answers wait for this, where it is set. */
  until: Promise<void> | undefined;
  /** Answers no more. */
  stop(): Promise<void>;
}

interface Handlers {
  addHandler(pattern: string, handler: (payload: JsonValue) => Promise<JsonValue>): void;
}

/** Serves leases on the bus of a test edge. */
export function startFakeVault(rpc: Rpc, lease: FakeVault['lease']): FakeVault {
  const options = rpc.server();
  if (!('strategy' in options)) throw new Error('this RPC has no server of its own');
  const { strategy } = options;
  const requests: LeaseCredentialRequest[] = [];
  const vault: FakeVault = { requests, lease, until: undefined, stop: async () => void (await strategy.close()) };
  (strategy as unknown as Handlers).addHandler(rpcSubject(VaultService.method.leaseCredential), async (payload) => {
    const request = fromJson(LeaseCredentialRequestSchema, payload);
    requests.push(request);
    const leased = typeof vault.lease === 'function' ? vault.lease(request) : vault.lease;
    await vault.until;
    return toJson(LeaseCredentialResponseSchema, await answer(request, leased));
  });
  strategy.listen(() => undefined);
  return vault;
}

async function answer({ recipientJwk }: LeaseCredentialRequest, lease: FakeLease) {
  if (lease === 'fault') throw new Error('the vault has failed');
  if (lease !== 'garbled' && 'reason' in lease)
    return create(LeaseCredentialResponseSchema, { result: { case: 'refusal', value: lease } });
  const { headers = {}, env = {}, lastsMs = 60_000, version = '1', dpopKey = '' } = lease === 'garbled' ? {} : lease;
  const recipient = lease === 'garbled' ? (await generateSealingKey()).publicJwk : recipientJwk;
  const sealed = await sealTo(recipient, Buffer.from(JSON.stringify({ headers, env, dpopKey })));
  const value = { sealed, version, expiresAt: timestampFromMs(Date.now() + lastsMs) };
  return create(LeaseCredentialResponseSchema, { result: { case: 'lease', value } });
}

/** Says what a vault says when a principal's connection to an upstream has changed. */
export async function tellConnection(
  state: State,
  upstream: string,
  principal: { readonly issuer: string; readonly subject: string },
  change: ConnectionChange['state'],
  version = '',
): Promise<void> {
  const bucket = await state.bucket(BUCKETS.connectionChanges, DEFAULT_TENANT);
  const value: ConnectionChange = { state: change, version };
  await bucket.put(connectionChangeKey(upstream, principal), Buffer.from(JSON.stringify(value)), { ttlMs: 60_000 });
}

/** Publishes a vault's key for proofs of callers. @returns what opens them */
export async function publishProofKey(state: State): Promise<(proof: string) => Promise<string>> {
  const { publicJwk, privateKey } = await generateSealingKey();
  const bucket = await state.bucket(BUCKETS.vaultKeys, DEFAULT_TENANT);
  await bucket.put(CALLER_PROOF_KEY, Buffer.from(publicJwk));
  return async (proof) => Buffer.from(await openSealed(privateKey, proof)).toString('utf8');
}
