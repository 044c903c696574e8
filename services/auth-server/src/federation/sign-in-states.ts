import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { LIFETIMES } from '../lifetimes.js';
import type { OidcStore } from '../store/oidc-store.js';
import type { SignInChecks } from './identity-client.js';

const KIND = 'CompanySignIn';

/** A sign-in that is under way at an identity provider. */
export interface SignInState {
  readonly provider: string;
  /** Interaction that it is for. */
  readonly uid: string;
  readonly checks: SignInChecks;
}

/**
 * Sign-ins under way. Each is for the browser that began it: its cookie has what the record has the digest of, so an answer that
 * is brought to another browser is refused (MCP, "Confused Deputy Problem"; RFC 9700 §4.7).
 */
export class SignInStates {
  readonly #store: OidcStore;
  readonly #cookie: string;

  /** @param secure whether the gateway is on https */
  constructor(store: OidcStore, secure: boolean) {
    this.#store = store;
    this.#cookie = `${secure ? '__Host-' : ''}switchyard_company`;
  }

  async begin(
    ctx: KoaContextWithOIDC,
    o: Omit<SignInState, 'checks'> & { readonly maxAgeSeconds?: number },
  ): Promise<SignInChecks> {
    const { provider, uid, maxAgeSeconds } = o;
    // One for all tabs of a browser.
    const bound = ctx.cookies.get(this.#cookie, { signed: false }) ?? random();
    ctx.cookies.set(this.#cookie, bound, {
      signed: false,
      httpOnly: true,
      sameSite: 'lax',
      maxAge: LIFETIMES.interactionMs,
      overwrite: true,
    });
    const checks = {
      state: random(),
      nonce: random(),
      verifier: random(),
      ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
    };
    await this.#store.write(KIND, checks.state, { provider, uid, checks, browser: digest(bound) }, LIFETIMES.interactionMs);
    return checks;
  }

  /** Finds the sign-in that an answer is for, once. */
  async take(ctx: KoaContextWithOIDC, state: string): Promise<SignInState | 'unknown' | 'foreign_browser'> {
    const found = await this.#store.find(KIND, state);
    if (found === undefined) return 'unknown';
    const { provider, uid, checks, browser } = found.record as unknown as SignInState & { readonly browser: string };
    const bound = ctx.cookies.get(this.#cookie, { signed: false }) ?? '';
    if (!timingSafeEqual(Buffer.from(digest(bound)), Buffer.from(browser))) return 'foreign_browser';
    return (await this.#store.removeAt(KIND, state, found.revision)) ? { provider, uid, checks } : 'unknown';
  }
}

const random = () => randomBytes(32).toString('base64url');
const digest = (text: string) => createHash('sha256').update(text).digest('base64url');
