import { CLAIMS_HEADER, type CredentialMaterial } from '@switchyard/contracts';
import type { Era } from '@switchyard/mcp';
import { createHash } from 'node:crypto';
import type { LegacySession, UpstreamLink, UpstreamProfile } from './upstream/link.js';

/**
 * Who is shown the same lists by an upstream. Servers of sessions may say different things in each (a tool of one session may open
 * others to it), so a session is alone. Elsewhere it is the credential: lists do not depend on anything else (MCP 2026-07-28, "Tools",
 * "Listing Tools"), and a server that tells no sessions apart cannot tell clients apart either.
 */
export class ListContexts {
  #last = 0;
  readonly #numbers = new WeakMap<object, number>();
  readonly #digests = new WeakMap<CredentialMaterial, string>();

  /**
   * The context of a request, as text. A new definition of the upstream has a new link, and with it new contexts.
   * @param era spoken with the upstream
   */
  of(link: UpstreamLink, standing: LegacySession | UpstreamProfile, era: Era, credential: CredentialMaterial): string {
    const who = 'id' in standing && standing.id !== undefined ? this.#number(standing) : this.#digest(credential);
    return `${this.#number(link)} ${era} ${who}`;
  }

  #number(object: object): number {
    const known = this.#numbers.get(object);
    if (known !== undefined) return known;
    this.#last += 1;
    this.#numbers.set(object, this.#last);
    return this.#last;
  }

  #digest(credential: CredentialMaterial): string {
    const known = this.#digests.get(credential);
    if (known !== undefined) return known;
    const { headers, env, tlsCertificate } = credential;
    // What is said of a caller is signed anew each minute; whose list it is, the link tells.
    const shown = { ...headers, [CLAIMS_HEADER]: '' };
    const sorted = [shown, env, { tlsCertificate }].map((fields) =>
      Object.entries(fields).sort(([one], [other]) => (one < other ? -1 : 1)),
    );
    const digest = createHash('sha256').update(JSON.stringify(sorted)).digest('base64url');
    this.#digests.set(credential, digest);
    return digest;
  }
}
