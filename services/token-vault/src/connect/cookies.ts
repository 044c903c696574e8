/** Names of the cookies of the connect pages: bound to this host, and to https, wherever the gateway is on https (RFC 6265bis §4.1.3.2). */
export type CookieName = 'switchyard_connect' | 'switchyard_connect_sign_in' | 'switchyard_connect_consent';

export class Cookies {
  readonly #secure: boolean;

  constructor(publicUrl: string) {
    this.#secure = publicUrl.startsWith('https:');
  }

  /** Value of one of ours; undefined where the browser sent none, or two. */
  read(header: string | undefined, name: CookieName): string | undefined {
    const pairs = (header ?? '').split(/; */).map((pair): [string, string] => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), pair.slice(at + 1)];
    });
    const found = pairs.filter(([given]) => given === this.#nameOf(name));
    return found.length === 1 ? found[0]?.[1] : undefined;
  }

  /** A Set-Cookie line. */
  set(name: CookieName, value: string, lifetimeMs: number): string {
    return `${this.#nameOf(name)}=${value}; path=/; max-age=${Math.floor(lifetimeMs / 1000)}; ${this.#attributes()}`;
  }

  /** A Set-Cookie line that takes the cookie away. */
  clear(name: CookieName): string {
    return `${this.#nameOf(name)}=; path=/; max-age=0; ${this.#attributes()}`;
  }

  // Lax: the answers of authorization servers are navigations that come from elsewhere.
  #attributes(): string {
    return `httponly; samesite=lax${this.#secure ? '; secure' : ''}`;
  }

  #nameOf(name: CookieName): string {
    return this.#secure ? `__Host-${name}` : name;
  }
}
