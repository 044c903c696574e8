import { BUCKETS } from '@switchyard/contracts';
import { WatchedMap, type State } from '@switchyard/state';
import { decodeGrantedUntilMs, revocableName } from './revocation-record.js';

/** What somebody was let in by, as revocations name it. Made once for each token, and kept with it. */
export interface Revocable {
  /** Everything whose end is the end of it. */
  readonly names: readonly string[];
  /** When it was granted, milliseconds since 1970. */
  readonly grantedAtMs: number;
}

/** An access token's. */
export function revocableToken(token: {
  readonly tokenId: string;
  readonly grantId: string;
  readonly subject: string;
  readonly clientId: string;
  readonly grantedAtMs: number;
}): Revocable {
  const { tokenId, grantId, subject, clientId, grantedAtMs } = token;
  const names = [
    revocableName('token', tokenId),
    revocableName('grant', grantId),
    revocableName('person', subject),
    revocableName('client', clientId),
  ];
  return { names, grantedAtMs };
}

/** An API key's. Its id is never given again. */
export const revocableKey = (id: string): Revocable => ({ names: [revocableName('api-key', id)], grantedAtMs: 0 });

/** Everything of one tenant that is dead before its time, in memory, kept current by a watch. */
export class Revocations {
  readonly #dead: WatchedMap<number>;

  private constructor(dead: WatchedMap<number>) {
    this.#dead = dead;
  }

  /**
   * Opens it; resolves when everything that stands now is known.
   * @param onUnreadable told of a stored record that is none: what it revokes is not known
   * @throws StateUnavailable when the store cannot be reached
   */
  static async open(state: State, tenant: string, onUnreadable: (key: string, error: unknown) => void): Promise<Revocations> {
    const bucket = await state.bucket(BUCKETS.revocations, tenant);
    const decode = ({ value }: { readonly value: Uint8Array }) => decodeGrantedUntilMs(value);
    return new Revocations(await WatchedMap.open(bucket, { decode, onError: onUnreadable }));
  }

  /** Whether something is dead. Synchronous: nothing is asked. */
  covers({ names, grantedAtMs }: Revocable): boolean {
    if (this.#dead.size === 0) return false;
    for (const name of names) {
      const grantedUntilMs = this.#dead.get(name);
      if (grantedUntilMs !== undefined && grantedAtMs <= grantedUntilMs) return true;
    }
    return false;
  }

  /** Calls back after every revocation from now on. @returns stops that */
  onRevoked(listener: () => void): () => void {
    return this.#dead.onChange((_name, grantedUntilMs) => {
      if (grantedUntilMs !== undefined) listener();
    });
  }

  /**
   * Resolves when everything is known that was revoked before the call.
   * @throws StateUnavailable where that cannot be known now
   */
  confirm(): Promise<void> {
    return this.#dead.confirm();
  }

  /** Idempotent. */
  close(): Promise<void> {
    return this.#dead.close();
  }
}
