import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { BUCKETS } from '@switchyard/contracts';
import { CERTIFICATE_FIELD, certificateThumbprint, ShownCertificates } from '@switchyard/oauth';
import { openSharedSecret, type State } from '@switchyard/state';
import type { Configuration, KoaContextWithOIDC, TokenEndpointGrantContext } from 'oidc-provider';
import { grantRefusal } from '../grants/grant-refusal.js';
import { subjectMatches } from './certificate-subject.js';

/** Where edges find the secret too. */
const SECRET = 'certificate-secret';

interface Shown {
  readonly certificate: X509Certificate;
  readonly verified: boolean;
}

/** TLS certificates that clients have shown to edges (RFC 8705). */
export class ClientCertificates {
  readonly #said: ShownCertificates;
  readonly #clock: { now(): number };
  readonly #endpointsUrl: string | undefined;
  readonly #shown = new WeakMap<IncomingMessage, Shown>();

  private constructor(said: ShownCertificates, clock: { now(): number }, endpointsUrl: string | undefined) {
    this.#said = said;
    this.#clock = clock;
    this.#endpointsUrl = endpointsUrl;
  }

  /** @param o.endpointsUrl where clients are asked for them, if elsewhere @throws StateUnavailable */
  static async open(
    state: State,
    tenant: string,
    o: { readonly clock: { now(): number }; readonly endpointsUrl: string | undefined },
  ): Promise<ClientCertificates> {
    const secret = await openSharedSecret(await state.bucket(BUCKETS.dpop, tenant), SECRET);
    return new ClientCertificates(new ShownCertificates(secret, o.clock), o.clock, o.endpointsUrl);
  }

  /** Takes what an edge says of a request, before anything else reads or rewrites it. */
  accept(request: IncomingMessage): void {
    const value = request.headers[CERTIFICATE_FIELD];
    delete request.headers[CERTIFICATE_FIELD];
    if (typeof value !== 'string') return;
    const said = this.#said.read(value, { method: request.method ?? '', target: request.url ?? '' });
    if (said !== undefined) this.#shown.set(request, { certificate: new X509Certificate(said.raw), verified: said.verified });
  }

  /** `x5t#S256` of the certificate that came with a request. */
  thumbprintOf(ctx: KoaContextWithOIDC): string | undefined {
    const certificate = this.#of(ctx)?.certificate;
    return certificate && certificateThumbprint(certificate.raw);
  }

  /** What is set up in oidc-provider. */
  feature(): NonNullable<NonNullable<Configuration['features']>['mTLS']> {
    return {
      enabled: true,
      certificateBoundAccessTokens: true,
      selfSignedTlsClientAuth: true,
      tlsClientAuth: true,
      getCertificate: (ctx) => this.#of(ctx)?.certificate,
      certificateAuthorized: (ctx) => {
        const shown = this.#of(ctx);
        return shown !== undefined && shown.verified && this.#isValidNow(shown.certificate);
      },
      certificateSubjectMatches: (ctx, property, expected) => {
        const shown = this.#of(ctx);
        return shown !== undefined && subjectMatches(shown.certificate, property, expected);
      },
    };
  }

  /** What the metadata says besides (RFC 8705 §5). */
  metadata(): Record<string, unknown> {
    if (this.#endpointsUrl === undefined) return {};
    const at = (path: string) => `${this.#endpointsUrl}/oauth/${path}`;
    return {
      mtls_endpoint_aliases: {
        token_endpoint: at('token'),
        revocation_endpoint: at('revoke'),
        pushed_authorization_request_endpoint: at('par'),
        device_authorization_endpoint: at('device_authorization'),
      },
    };
  }

  /**
   * The certificate that a token is to be bound to, for grants of ours.
   * @param isWanted whether it has to be bound even where the client does not ask for that
   * @returns undefined where it is to be bound to none
   * @throws invalid_grant where none was shown
   */
  boundTo(ctx: TokenEndpointGrantContext & KoaContextWithOIDC, isWanted: boolean): X509Certificate | undefined {
    if (!isWanted && ctx.oidc.client.tlsClientCertificateBoundAccessTokens !== true) return undefined;
    const certificate = this.#of(ctx)?.certificate;
    if (certificate === undefined) throw grantRefusal(ctx, 'invalid_grant', 'this client has to show its TLS certificate');
    return certificate;
  }

  #of({ req }: KoaContextWithOIDC): Shown | undefined {
    return this.#shown.get(req);
  }

  /** A connection may outlive the certificate that it was opened with. */
  #isValidNow({ validFromDate, validToDate }: X509Certificate): boolean {
    const now = this.#clock.now();
    return now >= validFromDate.getTime() && now <= validToDate.getTime();
  }
}
