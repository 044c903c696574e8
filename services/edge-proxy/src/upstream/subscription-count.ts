/** Who has subscribed to which resource of a process that several client sessions share. */
export class SubscriptionCount {
  readonly #subscribers = new Map<string, Set<string>>();

  /**
   * Takes note of a subscribe or unsubscribe.
   * @returns whether the upstream must be told: always on subscribe, on unsubscribe only when nobody is left
   */
  mustTell(method: string, uri: string, session: string): boolean {
    if (method === 'resources/subscribe') {
      const sessions = this.#subscribers.get(uri) ?? new Set();
      this.#subscribers.set(uri, sessions.add(session));
      return true;
    }
    if (method !== 'resources/unsubscribe') return true;
    this.#subscribers.get(uri)?.delete(session);
    return this.#dropEmpty(uri);
  }

  has(uri: string, session: string): boolean {
    return this.#subscribers.get(uri)?.has(session) ?? false;
  }

  /** Whether anybody subscribes to it. */
  isSubscribed(uri: string): boolean {
    return this.#subscribers.has(uri);
  }

  /** Forgets a session. @returns the URIs that nobody subscribes to any more */
  leave(session: string): string[] {
    const uris = [...this.#subscribers].filter(([, sessions]) => sessions.delete(session)).map(([uri]) => uri);
    return uris.filter((uri) => this.#dropEmpty(uri));
  }

  /** Every URI that somebody subscribes to. */
  uris(): string[] {
    return [...this.#subscribers.keys()];
  }

  #dropEmpty(uri: string): boolean {
    const sessions = this.#subscribers.get(uri);
    if (sessions !== undefined && sessions.size > 0) return false;
    this.#subscribers.delete(uri);
    return true;
  }
}
