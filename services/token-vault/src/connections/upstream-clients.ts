import { BUCKETS } from '@switchyard/contracts';
import type { State } from '@switchyard/state';
import type { AuthorizationServer } from 'oauth4webapi';
import { SealedStore, type TenantRecords } from '../sealed-store.js';
import {
  clientWithoutRegistering,
  registerClient,
  registeredClient,
  type GatewayClient,
  type RegisteredClient,
} from '../upstream-oauth/client-registration.js';
import type { OAuthHttp } from '../upstream-oauth/oauth-http.js';
import { OAuthProblem } from '../upstream-oauth/oauth-problem.js';
import type { UpstreamSettings } from '../upstream-oauth/upstream-settings.js';

// By upstream, so that no upstream's authorization server learns what another's is asked for; by issuer, because a client is known to
// one issuer; by redirect URI, because a gateway that moved must register anew.
const nameOf = (upstream: string, issuer: string, redirectUri: string) => JSON.stringify([upstream, issuer, redirectUri]);

/** The gateway as authorization servers know it: as configured, by its metadata document, or registered once and remembered. */
export class UpstreamClients {
  /** What is under it, for who encrypts it anew. */
  readonly sealed: SealedStore;
  readonly #http: OAuthHttp;
  readonly #clock: { now(): number };

  private constructor(sealed: SealedStore, http: OAuthHttp, clock: { now(): number }) {
    this.sealed = sealed;
    this.#http = http;
    this.#clock = clock;
  }

  /** @throws StateUnavailable */
  static async open(state: State, o: TenantRecords, http: OAuthHttp): Promise<UpstreamClients> {
    const kv = await state.bucket(BUCKETS.upstreamClients, o.tenant);
    return new UpstreamClients(new SealedStore({ ...o, kv, kind: 'client' }), http, o.clock);
  }

  /**
   * Who the gateway is at an authorization server; where it must, it registers.
   * @throws KmsUnavailable; TenantKeyDestroyed; StateUnavailable
   */
  async clientAt(
    upstream: string,
    server: AuthorizationServer,
    settings: UpstreamSettings,
    gateway: GatewayClient,
  ): Promise<RegisteredClient | OAuthProblem> {
    const known = clientWithoutRegistering(server, settings, gateway);
    if (known !== undefined) return known;
    const name = nameOf(upstream, server.issuer, gateway.redirectUri);
    for (;;) {
      const read = await this.sealed.read(name);
      const stored = read.state === 'intact' ? decode(read.content) : undefined;
      if (stored !== undefined && (stored.secretEndsAtMs ?? Infinity) > this.#clock.now()) return stored;
      const registered = await registerClient(this.#http, server, settings, gateway);
      if (registered instanceof OAuthProblem) return registered;
      const place = read.state === 'absent' ? undefined : read.kvRevision;
      // Another vault registered at the same time: its registration stands, ours is never used.
      if (await this.sealed.replace(name, place, encode(registered), '')) return registered;
    }
  }

  /** Forgets a registration that the server does not know any more. @throws StateUnavailable */
  async forget(upstream: string, { issuer, redirectUri }: RegisteredClient): Promise<void> {
    await this.sealed.delete(nameOf(upstream, issuer, redirectUri));
  }
}

const encode = (client: RegisteredClient) => Buffer.from(JSON.stringify(client), 'utf8');
const decode = (content: Buffer) => registeredClient.parse(JSON.parse(content.toString('utf8')));
