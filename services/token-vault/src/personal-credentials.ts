import { signedInPeople, type People } from '@switchyard/admin-api';
import { revocableName, type ApiKeyDirectory, type Revocations } from '@switchyard/api-keys';
import type { Audit } from '@switchyard/audit';
import { BUCKETS, type LeaseCredentialRequest } from '@switchyard/contracts';
import { Egress, LOOPBACK } from '@switchyard/egress';
import type { Rpc } from '@switchyard/messaging';
import { AccessTokenVerifier, generateSealingKey } from '@switchyard/oauth';
import type { Clock } from '@switchyard/runtime';
import type { State } from '@switchyard/state';
import type { Logger } from '@switchyard/telemetry';
import type { CallerKey } from './caller/caller-key.js';
import { proveCaller, type Proof } from './caller/prove-caller.js';
import { ServiceTokens } from './client-credentials/service-tokens.js';
import { Assertions } from './id-jag/assertions.js';
import { IdJagTokens } from './id-jag/id-jag-tokens.js';
import { ExchangedTokens } from './token-exchange/exchanged-tokens.js';
import { BrowserSignIn } from './connect/browser-sign-in.js';
import { ConnectFlow } from './connect/connect-flow.js';
import { ConnectSite } from './connect/connect-site.js';
import { SealedTexts } from './connect/sealed-text.js';
import { ConnectionNewsdesk, type ChangedBy } from './connections/connection-news.js';
import { ConnectionStore } from './connections/connection-store.js';
import { connectionHandle } from './connections/connection.js';
import { Connections, type ConnectionView } from './connections/connections.js';
import { KnownServers } from './connections/known-servers.js';
import { leaseConnection } from './connections/lease-connection.js';
import { Refresher } from './connections/refresh.js';
import { Revocations as UpstreamRevocations } from './connections/revocations.js';
import { UpstreamClients } from './connections/upstream-clients.js';
import type { Credentials } from './credentials.js';
import { GatewayView, type Gateway } from './gateway-view.js';
import type { Leasable, NotLeasable } from './leasable.js';
import type { ReferenceFiles } from './reference-files.js';
import type { SealedStore, TenantRecords } from './sealed-store.js';
import { findMetadata } from './upstream-oauth/discover.js';
import { OAuthHttp } from './upstream-oauth/oauth-http.js';
import { connectWayOf, CONNECTED_KINDS, type ConnectWay } from './connect-way.js';

/** What people's own credentials stand on. */
export interface PersonalCredentialsOptions {
  readonly state: State;
  /** To the authorization server. */
  readonly rpc: Rpc;
  readonly records: TenantRecords;
  readonly credentials: Credentials;
  readonly files: Pick<ReferenceFiles, 'read'>;
  readonly callerKey: CallerKey;
  readonly keys: ApiKeyDirectory;
  /** What is dead before its time: whoever shows it proves nothing. */
  readonly revocations: Revocations;
  readonly audit: Pick<Audit, 'record' | 'accepting'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Address of the authorization server behind the edge; undefined where the vault was not told. */
  readonly authServer: () => Promise<string | undefined>;
}

const CONNECT_TIMEOUT_MS = 4_000;

interface Parts {
  readonly view: GatewayView;
  readonly egress: Egress;
  readonly store: ConnectionStore;
  readonly news: ConnectionNewsdesk;
  readonly connections: Connections;
  readonly clients: UpstreamClients;
  readonly refresher: Refresher;
  readonly revocations: UpstreamRevocations;
  readonly services: ServiceTokens;
  readonly exchanges: ExchangedTokens;
  readonly idJags: IdJagTokens;
  readonly site: ConnectSite;
}

/** Everything about credentials that are a person's own: who may have them, where they come from, and the pages for that. */
export class PersonalCredentials {
  readonly #o: PersonalCredentialsOptions;
  readonly #parts: Parts;
  #verifier: { readonly publicUrl: string; readonly verifier: AccessTokenVerifier } | undefined;

  private constructor(options: PersonalCredentialsOptions, parts: Parts) {
    this.#o = options;
    this.#parts = parts;
  }

  /** @throws StateUnavailable */
  static async open(o: PersonalCredentialsOptions): Promise<PersonalCredentials> {
    return new PersonalCredentials(o, await openParts(o));
  }

  /** What is stored, for who encrypts it anew. */
  get sealed(): readonly SealedStore[] {
    return [this.#parts.store.sealed, this.#parts.clients.sealed];
  }

  /** Tokens that the gateway gets for itself. */
  get services(): ServiceTokens {
    return this.#parts.services;
  }

  /** Tokens that are given for a statement about whoever calls. */
  get exchanges(): ExchangedTokens {
    return this.#parts.exchanges;
  }

  /** Tokens that are given for what the company says of whoever calls. */
  get idJags(): IdJagTokens {
    return this.#parts.idJags;
  }

  /** People who call the API themselves. */
  get people(): People {
    const find = async () => {
      const gateway = this.gateway();
      const tokens = await this.#verifierFor(gateway);
      return gateway && tokens && { publicUrl: gateway.publicUrl, tokens };
    };
    return signedInPeople(find, this.#o.revocations);
  }

  /** Serves the connect pages. */
  get handle(): ConnectSite['handle'] {
    return this.#parts.site.handle;
  }

  /** Begins what is done in the background. */
  start(): void {
    this.#parts.revocations.start();
  }

  /**
   * Finds what an upstream must be shown for whoever calls, where they prove that they do.
   * @param way how people connect to it
   * @throws KmsUnavailable; TenantKeyDestroyed; StateUnavailable
   */
  async lease(request: LeaseCredentialRequest, way: ConnectWay): Promise<Leasable | NotLeasable> {
    const { store, refresher, news } = this.#parts;
    const proof = await this.prove(request);
    if (!proof.ok) return unproven(request, proof.cause);
    const connectUrl = (upstream: string) => `${this.gateway()?.publicUrl ?? ''}/connect/${upstream}`;
    return leaseConnection({ store, refresher, news, clock: this.#o.clock, connectUrl }, request, way);
  }

  /** Who is really calling. @throws KmsUnavailable; TenantKeyDestroyed; StateUnavailable */
  async prove(request: LeaseCredentialRequest): Promise<Proof> {
    const { callerKey, keys, records, revocations } = this.#o;
    const gateway = this.gateway();
    const verifier = await this.#verifierFor(gateway);
    const context = { tenant: records.tenant, callerKey, keys, revocations, gateway: () => gateway, verifier: () => verifier };
    return proveCaller(context, request);
  }

  /** Every connection of somebody, with ids for the API. @throws KmsUnavailable; TenantKeyDestroyed; StateUnavailable */
  async connectionsOf(subject: string): Promise<(ConnectionView & { readonly id: string; readonly upstream: string })[]> {
    const { store, connections } = this.#parts;
    const issuer = this.gateway()?.publicUrl ?? '';
    const upstreams = new Set((await store.ofPrincipal({ issuer, subject })).map(({ upstream }) => upstream));
    const lists = [...upstreams].map(async (upstream) => {
      const views = await connections.list({ issuer, subject, upstream }, await wayTo(this.#o.credentials, upstream));
      return views.map((view) => ({ ...view, upstream, id: connectionHandle(upstream, view.label) }));
    });
    return (await Promise.all(lists)).flat();
  }

  /**
   * Ends connections of somebody.
   * @param handle the one of this id; undefined: all of them
   * @returns how many there were
   * @throws KmsUnavailable; TenantKeyDestroyed; StateUnavailable; SpoolFull
   */
  async endConnections(subject: string, handle: string | undefined, by: ChangedBy): Promise<number> {
    const { store, connections } = this.#parts;
    const ids = await store.ofPrincipal({ issuer: this.gateway()?.publicUrl ?? '', subject });
    let ended = 0;
    for (const id of ids) {
      if (handle !== undefined && connectionHandle(id.upstream, id.label) !== handle) continue;
      if (await connections.disconnect(id, by.fields, by)) ended += 1;
    }
    return ended;
  }

  /** The configuration that edges serve from; undefined before there was any. */
  gateway(): Gateway | undefined {
    return this.#parts.view.current();
  }

  /** Ends after what is under way. Idempotent. */
  async close(): Promise<void> {
    const { view, egress, refresher, revocations } = this.#parts;
    await Promise.all([refresher.settled(), revocations.close(), view.close()]);
    await egress.close();
  }

  async #verifierFor(gateway: Gateway | undefined): Promise<AccessTokenVerifier | undefined> {
    const authServer = gateway && (await this.#o.authServer());
    if (gateway === undefined || authServer === undefined) return undefined;
    const { publicUrl } = gateway;
    if (this.#verifier?.publicUrl !== publicUrl) {
      // Services are reached as they are configured, never through the guard.
      const options = { jwksUrl: new URL('/oauth/jwks', authServer).href, fetch: globalThis.fetch, clock: this.#o.clock };
      this.#verifier = { publicUrl, verifier: new AccessTokenVerifier({ ...options, issuer: publicUrl }) };
    }
    return this.#verifier.verifier;
  }
}

async function openParts(o: PersonalCredentialsOptions): Promise<Parts> {
  const { state, records, audit, clock, log } = o;
  const { tenant, keyring } = records;
  await using undo = new AsyncDisposableStack();
  const egress = undo.adopt(new Egress({ allowed: [], connectTimeoutMs: CONNECT_TIMEOUT_MS }), (it) => it.close());
  const view = undo.adopt(
    await GatewayView.open(state, tenant, {
      onUnreadable: (error) => log.warn('a snapshot could not be read', { error }),
      onChange: ({ loopback, egressAllow }) => egress.setAllowed(loopback ? [...LOOPBACK, ...egressAllow] : egressAllow),
    }),
    (it) => it.close(),
  );
  const http = new OAuthHttp({ fetch: egress.fetch, loopback: () => view.current()?.loopback === true, clock });
  const kv = await state.bucket(BUCKETS.connecting, tenant);
  const [store, clients, news] = await Promise.all([
    ConnectionStore.open(state, records),
    UpstreamClients.open(state, records, http),
    ConnectionNewsdesk.open(state, tenant, audit),
  ]);
  const sealed = new SealedTexts(keyring, clock);
  const servers = new KnownServers(http, clock);
  const asking = { http, servers: new KnownServers(http, clock, findMetadata), clock };
  const services = new ServiceTokens({ ...asking, files: o.files });
  const exchanges = new ExchangedTokens(asking);
  const assertions = new Assertions({ rpc: o.rpc, sealingKey: await generateSealingKey(), log });
  const idJags = new IdJagTokens({ ...asking, assertions });
  const revocations = new UpstreamRevocations({ kv, sealed, http, servers, log });
  const connections = new Connections({ store, news, revocations });
  const refresher = new Refresher({ store, clients, leases: kv, servers, http, news, audit, clock, log });
  const flow = new ConnectFlow({ http, clients, connections, kv, sealed, clock });
  const site = new ConnectSite({
    ...{ sealed, flow, connections, audit, log },
    gateway: () => view.current(),
    authServer: o.authServer,
    upstreams: () => o.credentials.upstreamsOf(CONNECTED_KINDS),
    way: (upstream) => wayTo(o.credentials, upstream),
    clock,
    signIn: new BrowserSignIn(sealed, clock),
    isOut: ({ subject, signedInAtMs }) =>
      o.revocations.covers({ names: [revocableName('person', subject)], grantedAtMs: signedInAtMs }),
  });
  undo.move();
  return { view, egress, store, news, connections, clients, refresher, revocations, services, exchanges, idJags, site };
}

async function wayTo(credentials: Credentials, upstream: string): Promise<ConnectWay | undefined> {
  const read = await credentials.get(upstream);
  const material = read.state === 'intact' ? read.credential.material : undefined;
  return material === undefined ? undefined : connectWayOf(material);
}

/** Nothing of a caller's own is given to somebody who is not proven to be the caller. */
export function unproven({ upstream }: LeaseCredentialRequest, cause: string): NotLeasable {
  const message = `The credential of ${upstream} depends on who calls, and it is not proven to the token vault that you are calling. Sign in again; if it stays, tell whoever runs the gateway.`;
  return { ok: false, reason: 'caller_unproven', cause, message };
}
