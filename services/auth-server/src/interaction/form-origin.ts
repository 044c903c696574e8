import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** Makes forms that only our own pages can send, for one interaction each. */
export class FormOrigin {
  readonly #secret: string;
  readonly #publicUrl: string;

  constructor(secret: string, publicUrl: string) {
    this.#secret = secret;
    this.#publicUrl = publicUrl;
  }

  /** What a form for this interaction carries. */
  token(interactionId: string): string {
    return createHmac('sha256', this.#secret).update(`form\0${interactionId}`).digest('base64url');
  }

  /** Whether a posted form came from our page for this interaction: by its token, and by what the browser says of its origin. */
  isOurs(interactionId: string, token: string | null, headers: IncomingHttpHeaders): boolean {
    const { origin, 'sec-fetch-site': site } = headers;
    if (origin !== undefined && origin !== this.#publicUrl) return false;
    if (site !== undefined && site !== 'same-origin') return false;
    const [given, expected] = [Buffer.from(token ?? ''), Buffer.from(this.token(interactionId))];
    return given.length === expected.length && timingSafeEqual(given, expected);
  }
}
