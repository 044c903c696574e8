import { timingSafeEqual, X509Certificate } from 'node:crypto';
import { BlockList, isIPv4, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { CertificateProxiesConfig } from '@switchyard/gateway-config';
import { certificateThumbprint, type ShownCertificate } from '@switchyard/oauth';
import type { ClientRequest } from './answer.js';

/** What a proxy names the client's certificate in (RFC 9440 §2.1): one byte sequence of RFC 8941. */
const BYTE_SEQUENCE = /^:([A-Za-z0-9+/]+={0,2}):$/;
const CERTIFICATE_LIMIT_CHARACTERS = 12_000;

interface Known extends ShownCertificate {
  readonly thumbprint: string;
}

/** TLS certificates that clients show: at our own listener, or to a proxy in front of it whose word counts. */
export class ClientCertificates {
  readonly #proxies = new BlockList();
  readonly #proxiesVerify: boolean;
  readonly #ofConnection = new WeakMap<Socket, Known>();
  /** Of proxies: they keep naming the same ones. */
  readonly #ofField = new Map<string, Known>();
  #changes = 0;
  readonly #openedAfter = new WeakMap<Socket, number>();

  /** @param proxies none: nobody's word counts */
  constructor(proxies: CertificateProxiesConfig | undefined) {
    for (const range of proxies?.addresses ?? []) {
      const [address = '', bits] = range.split('/');
      this.#proxies.addSubnet(address, Number(bits), isIPv4(address) ? 'ipv4' : 'ipv6');
    }
    this.#proxiesVerify = proxies?.verified === true;
  }

  /** The certificate that came with a request. */
  of(request: ClientRequest): ShownCertificate | undefined {
    return this.#known(request);
  }

  /** Whether a request came with the certificate of this thumbprint. */
  matches(thumbprint: string, request: ClientRequest | undefined): 'yes' | 'no' | 'none' {
    const shown = request && this.#known(request);
    if (shown === undefined) return 'none';
    const [given, wanted] = [Buffer.from(shown.thumbprint), Buffer.from(thumbprint)];
    return given.length === wanted.length && timingSafeEqual(given, wanted) ? 'yes' : 'no';
  }

  /** Connections that stand were verified by authorities which may count no longer. */
  authoritiesChanged(): void {
    this.#changes += 1;
  }

  /** Called for every TLS connection once it stands. */
  opened(socket: TLSSocket): void {
    this.#openedAfter.set(socket, this.#changes);
  }

  #known(request: ClientRequest): Known | undefined {
    const { socket, headers } = request;
    // What comes from a proxy concerns its client; its own certificate is another thing.
    if (this.#isProxy(socket.remoteAddress)) return this.#named(headers['client-cert']);
    if (!(socket instanceof TLSSocket)) return undefined;
    const known = this.#ofConnection.get(socket) ?? this.#shown(socket);
    return known?.verified === true && this.#openedAfter.get(socket) !== this.#changes ? { ...known, verified: false } : known;
  }

  #isProxy(address: string | undefined): boolean {
    if (address === undefined) return false;
    const mapped = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
    return this.#proxies.check(mapped, isIPv4(mapped) ? 'ipv4' : 'ipv6');
  }

  /** A resumed session has the certificate of the one that it resumes. */
  #shown(socket: TLSSocket): Known | undefined {
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) return undefined;
    const { raw } = certificate;
    const known = { raw, verified: socket.authorized, thumbprint: certificateThumbprint(raw) };
    this.#ofConnection.set(socket, known);
    return known;
  }

  #named(field: string | string[] | undefined): Known | undefined {
    if (typeof field !== 'string') return undefined;
    const remembered = this.#ofField.get(field);
    if (remembered !== undefined) return remembered;
    const encoded = field.length > CERTIFICATE_LIMIT_CHARACTERS ? undefined : BYTE_SEQUENCE.exec(field)?.[1];
    const raw = encoded === undefined ? undefined : derOf(Buffer.from(encoded, 'base64'));
    if (raw === undefined) return undefined;
    const known = { raw, verified: this.#proxiesVerify, thumbprint: certificateThumbprint(raw) };
    if (this.#ofField.size >= REMEMBERED) this.#ofField.clear();
    this.#ofField.set(field, known);
    return known;
  }
}

const REMEMBERED = 1_000;

function derOf(bytes: Buffer): Buffer | undefined {
  try {
    const { raw } = new X509Certificate(bytes);
    return raw.equals(bytes) ? raw : undefined;
  } catch {
    // The one way in which it fails: this is no certificate.
    return undefined;
  }
}
