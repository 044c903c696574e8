import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** Header field in which an edge tells a service behind it which TLS client certificate came with a request. */
export const CERTIFICATE_FIELD = 'x-switchyard-client-certificate';

/** How old what an edge says may be: the way to a service takes no longer. */
const AGE_LIMIT_MS = 60_000;

/** A TLS client certificate whose key the client has shown to have. */
export interface ShownCertificate {
  /** DER. */
  readonly raw: Buffer;
  /** Whether an authority that is configured has issued it. */
  readonly verified: boolean;
}

/** What it was shown with, so that it counts for nothing else. */
interface ShownWith {
  readonly method: string;
  readonly target: string;
}

/** `x5t#S256` of a certificate (RFC 8705 §3.1). @param raw DER */
export function certificateThumbprint(raw: Uint8Array): string {
  return createHash('sha256').update(raw).digest('base64url');
}

/**
 * What edges say to services of the certificates that clients show them. It is authenticated with a secret that only those have: else
 * whoever reaches a service past the edges could name any certificate.
 */
export class ShownCertificates {
  readonly #secret: Uint8Array;
  readonly #clock: { now(): number };

  constructor(secret: Uint8Array, clock: { now(): number }) {
    this.#secret = secret;
    this.#clock = clock;
  }

  /** @returns the value of the header field */
  write({ raw, verified }: ShownCertificate, shownWith: ShownWith): string {
    const text = `${this.#clock.now()}.${verified ? 1 : 0}.${raw.toString('base64url')}`;
    return `${text}.${this.#authenticate(text, shownWith).toString('base64url')}`;
  }

  /** @returns undefined where no edge has said this, now, of this request */
  read(value: string, shownWith: ShownWith): ShownCertificate | undefined {
    const at = value.lastIndexOf('.');
    const text = value.slice(0, Math.max(0, at));
    const given = Buffer.from(value.slice(at + 1), 'base64url');
    const expected = this.#authenticate(text, shownWith);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    const [saidAtMs, verified, raw = ''] = text.split('.');
    if (Math.abs(this.#clock.now() - Number(saidAtMs)) > AGE_LIMIT_MS) return undefined;
    return { raw: Buffer.from(raw, 'base64url'), verified: verified === '1' };
  }

  #authenticate(text: string, { method, target }: ShownWith): Buffer {
    return createHmac('sha256', this.#secret)
      .update(JSON.stringify([text, method, target]))
      .digest();
  }
}
