import {
  connectionChangeKey,
  type CredentialMaterial,
  CredentialMaterialSchema,
  CredentialOwner,
  type Upstream,
  type VaultRefusal,
  VaultService,
} from '@switchyard/contracts';
import { fromJsonString } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { type Rpc, RpcFault, RpcUnavailable } from '@switchyard/messaging';
import { openSealed, type SealingKey } from '@switchyard/oauth';
import type { Clock } from '@switchyard/runtime';
import type { Logger } from '@switchyard/telemetry';
import { teamsOf } from '../caller.js';
import type { CallerProofs } from '../caller-proofs.js';
import { type ConnectionChanges, type HeardChange, isConnected } from '../connection-changes.js';
import { EVERYBODY, teamOf } from '../credential-scope.js';
import type { Reason } from '../ladder.js';
import { Refusal } from '../refusal.js';
import type { Challenge } from '../upstream/challenge.js';
import type { Behalf, Renew } from '../upstream/link.js';

/** For upstreams that need none. */
export const NO_CREDENTIAL: CredentialMaterial = {
  $typeName: 'switchyard.vault.v1.CredentialMaterial',
  headers: {},
  env: {},
  tlsCertificate: '',
  tlsKey: '',
  dpopKey: '',
};

interface Lease {
  readonly material: CredentialMaterial;
  readonly version: string;
  readonly untilMs: number;
  /** Of the principal's connection that it is of, as `connectionChangeKey` makes it; empty for others' credentials. */
  readonly connection: string;
}

/** Which credential is wanted, and for whom. */
interface Wanted {
  readonly upstream: Upstream;
  readonly scope: string;
  readonly behalf: Behalf;
  /** The upstream and the version of its credential, as configured. */
  readonly place: string;
  /** As of `Lease`. */
  readonly connection: string;
  /** The one that the upstream has refused. */
  readonly rejected?: { readonly material: CredentialMaterial; readonly version: string; readonly scopes: readonly string[] };
}

/** What leasing needs. */
export interface LeasesOptions {
  readonly rpc: Rpc;
  readonly clock: Clock;
  readonly edge: string;
  readonly sealingKey: SealingKey;
  readonly connections: ConnectionChanges;
  readonly proofs: CallerProofs;
  readonly log: Logger;
}

const SWEEP_MS = 60_000;
/** Longest that a principal's credential is held. */
const PRINCIPAL_MS = 60_000;
/** Longest wait for the vault where it may have to ask an authorization server. */
const RENEWED_WITHIN_MS = 10_000;
/** Times that the vault is asked where what it answers has changed meanwhile. */
const MOST_ASKS = 3;

const VAULT_REASONS: Readonly<Record<string, Reason>> = {
  connection_required: 'connection_required',
  caller_unproven: 'caller_unproven',
};

/**
 * Upstream credentials, leased from the token vault and held in memory until they expire, a principal's also until the vault says that
 * their connection has changed. Calls that need the same credential at the same time share one request.
 */
export class CredentialLeases {
  readonly #options: LeasesOptions;
  /** By upstream and version of its credential, then by scope. */
  readonly #held = new Map<string, Map<string, Lease>>();
  #sweptAtMs = 0;
  /** Of everything that was leased and is still in use. */
  readonly #versions = new WeakMap<CredentialMaterial, string>();
  readonly #asking = new Map<string, { readonly connection: string; readonly answer: Promise<CredentialMaterial | Refusal> }>();

  constructor(options: LeasesOptions) {
    this.#options = options;
  }

  /**
   * The credential for one call, or why there is none. A promise only where the vault must be asked.
   * @param scope whose credential, as `credentialScope` says: nothing of one scope is ever given to another
   */
  lease(upstream: Upstream, scope: string, behalf: Behalf): CredentialMaterial | Promise<CredentialMaterial | Refusal> {
    if (!upstream.needsCredential) return NO_CREDENTIAL;
    const place = `${upstream.name}\n${upstream.credentialVersion}`;
    const held = this.#held.get(place)?.get(scope);
    if (held !== undefined && held.untilMs > this.#options.clock.now()) return held.material;
    return this.#share({ upstream, scope, behalf, place, connection: connectionOf(upstream, behalf) });
  }

  /**
   * Another credential for one that the upstream has refused. All whose calls it refused share one request, and whoever hears of the
   * refusal late is given what the others got.
   * @returns undefined where the vault has no other
   */
  async renew(
    { scope, credential, behalf }: Parameters<Renew>[0],
    name: string,
    { scopes }: Challenge,
  ): Promise<CredentialMaterial | Refusal | undefined> {
    const upstream = behalf?.exchange.catalog.upstreams.get(name);
    const version = this.#versions.get(credential);
    if (behalf === undefined || upstream === undefined || version === undefined) return undefined;
    const place = `${name}\n${upstream.credentialVersion}`;
    const held = this.#held.get(place)?.get(scope);
    if (held !== undefined && held.version !== version && held.untilMs > this.#options.clock.now()) return held.material;
    const rejected = { material: credential, version, scopes };
    const renewed = await this.#share({ upstream, scope, behalf, place, connection: connectionOf(upstream, behalf), rejected });
    // Whoever comes next is not sent to the upstream with it again.
    if (renewed instanceof Refusal && renewed.reason === 'connection_required' && held?.material === credential)
      this.#held.get(place)?.delete(scope);
    return renewed instanceof Refusal || this.#versions.get(renewed) !== version ? renewed : undefined;
  }

  /**
   * Uses nothing any more that was leased of a principal's connection before it changed, not even what is being asked for.
   * @returns what was held, by scope
   */
  drop({ key: connection, version }: Pick<HeardChange, 'key' | 'version'>): ReadonlyMap<string, CredentialMaterial> {
    const dropped = new Map<string, CredentialMaterial>();
    for (const scopes of this.#held.values()) {
      for (const [scope, lease] of scopes) {
        if (lease.connection !== connection) continue;
        if (lease.version !== version) scopes.delete(scope);
        dropped.set(scope, lease.material);
      }
    }
    for (const [key, asking] of this.#asking) if (asking.connection === connection) this.#asking.delete(key);
    return dropped;
  }

  #share(wanted: Wanted): Promise<CredentialMaterial | Refusal> {
    const { place, scope, rejected } = wanted;
    const key = JSON.stringify([place, scope, rejected?.version, rejected?.scopes]);
    const known = this.#asking.get(key);
    if (known !== undefined) return known.answer;
    const asking = { connection: wanted.connection, answer: this.#ask(wanted) };
    this.#asking.set(key, asking);
    const done = () => {
      if (this.#asking.get(key) === asking) this.#asking.delete(key);
    };
    asking.answer.then(done, done);
    return asking.answer;
  }

  /** What changes while the vault is asked is asked for again. */
  async #ask(wanted: Wanted): Promise<CredentialMaterial | Refusal> {
    const { connections } = this.#options;
    for (let asks = 1; ; asks += 1) {
      const askedAt = connections.now;
      const answer = await this.#askVault(wanted, askedAt);
      const news = wanted.connection === '' ? undefined : connections.since(wanted.connection, askedAt);
      const isOutdated = answer instanceof Refusal ? isConnected(news) : news !== undefined && news.version !== answer.version;
      if (isOutdated && asks < MOST_ASKS) continue;
      if (answer instanceof Refusal) return answer;
      if (!isOutdated) this.#hold(wanted, answer);
      return answer.material;
    }
  }

  async #askVault(wanted: Wanted, askedAt: number): Promise<Lease | Refusal> {
    const { upstream, scope, behalf, connection, rejected } = wanted;
    const { name } = upstream;
    const { principal } = behalf.caller;
    const { requestId, head } = behalf.exchange;
    // Whose credential it is, a team's too, the vault checks by itself.
    const dependsOnCaller = scope !== EVERYBODY;
    if (dependsOnCaller && head.authorization === undefined) return unproven(name);
    try {
      const callerProof = dependsOnCaller ? await this.#options.proofs.seal(head.authorization ?? '') : '';
      const request = {
        tenant: principal.tenant,
        upstream: name,
        principalIssuer: principal.issuer,
        principalSubject: principal.subject,
        edge: this.#options.edge,
        recipientJwk: this.#options.sealingKey.publicJwk,
        ...attributionOf(behalf),
        team: teamOf(scope),
        callerProof,
        ...(rejected && { rejectedVersion: rejected.version, challengeScopes: [...rejected.scopes] }),
      };
      // A token that has expired is renewed first, at an authorization server that may be slow.
      const options = connection === '' ? {} : { timeoutMs: RENEWED_WITHIN_MS };
      const response = await this.#options.rpc.call(VaultService.method.leaseCredential, request, options);
      const { case: kind, value } = response.result;
      if (kind === 'refusal') return refusalOf(value, name, askedAt);
      if (kind === undefined || value.expiresAt === undefined) throw new RpcFault('the vault answered without a lease');
      const material = await openLease(this.#options.sealingKey, value.sealed);
      this.#versions.set(material, value.version);
      const longestMs = connection === '' ? Number.POSITIVE_INFINITY : this.#options.clock.now() + PRINCIPAL_MS;
      return { material, version: value.version, connection, untilMs: Math.min(timestampMs(value.expiresAt), longestMs) };
    } catch (error) {
      if (!(error instanceof RpcUnavailable || error instanceof RpcFault)) throw error;
      this.#options.log.warn('the token vault gave no lease', { upstream: name, request_id: requestId, error });
      const message = `The credential for ${name} cannot be had: the token vault does not answer. Try again shortly.`;
      return new Refusal('credential_unavailable', message, { upstream: name });
    }
  }

  #hold({ place, scope, upstream }: Wanted, lease: Lease): void {
    this.#sweep();
    // A replaced credential has no business in memory any more.
    for (const other of this.#held.keys())
      if (other !== place && other.startsWith(`${upstream.name}\n`)) this.#held.delete(other);
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

/** What the vault's event says of the call. */
function attributionOf({ caller, exchange }: Behalf) {
  const { principal, clientId, actors } = caller;
  const { requestId, trace, server, facts, catalog } = exchange;
  return {
    requestId,
    traceId: trace.traceId,
    principalName: principal.name,
    principalKind: principal.kind,
    clientId,
    clientName: facts.client_name,
    clientVersion: facts.client_version,
    onBehalfOf: actors,
    server: server.slug,
    callerTeams: teamsOf(principal, catalog),
  };
}

/** The principal's connection that a credential is of, as `connectionChangeKey` makes it; empty for others' credentials. */
const connectionOf = ({ name, credentialOwner }: Upstream, { caller }: Behalf): string =>
  credentialOwner === CredentialOwner.PRINCIPAL ? connectionChangeKey(name, caller.principal) : '';

/** A stream keeps no token: it goes on when a call has what it needs. */
const unproven = (upstream: string) =>
  new Refusal(
    'caller_unproven',
    `${upstream} is used with a credential that depends on who asks, and nothing shows that it is you.`,
    {
      upstream,
    },
  );

function refusalOf({ reason, message, connectUrl: url }: VaultRefusal, upstream: string, askedAt: number): Refusal {
  const known = VAULT_REASONS[reason] ?? 'credential_unavailable';
  if (known !== 'connection_required' || url === '') return new Refusal(known, message, { upstream });
  return new Refusal(known, message, { upstream, url }, { askedAt });
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
