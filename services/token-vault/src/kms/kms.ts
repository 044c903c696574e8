/** What a wrapped key is bound to: it unwraps under exactly these names and values. Not secret; key services log it. */
export type KmsContext = Readonly<Record<string, string>>;

/** A data key as a key service wrapped it. */
export interface WrappedKey {
  /** As the key service wrote it. */
  readonly ciphertext: string;
  /** Version of the key-encryption key that was used, in the key service's own words. */
  readonly keyVersion: string;
}

/**
 * A service that holds key-encryption keys and never gives them out. Four adapters: LocalKey, TransitKms, AwsKms, GcpKms; one
 * contract suite for all of them.
 */
export interface Kms {
  /** Names the key-encryption key whatever its version: `<kind>:<key>`. */
  readonly id: string;
  /** Wraps with the newest version. @throws KmsUnavailable */
  wrap(dataKey: Uint8Array, context: KmsContext): Promise<WrappedKey>;
  /** @throws KmsRejected where it was altered, or was wrapped by another key or under another context; KmsUnavailable */
  unwrap(ciphertext: string, context: KmsContext): Promise<Buffer>;
}

/** The key service could not be reached in time, or does not do what it is asked. Its message is safe to show. */
export class KmsUnavailable extends Error {
  override readonly name = 'KmsUnavailable';
}

/** The key service works, and says that this is no key that it wrapped under this context. */
export class KmsRejected extends Error {
  override readonly name = 'KmsRejected';
}

/** A context as additional authenticated data, for key services that take bytes: equal contexts have equal bytes. */
export function contextBytes(context: KmsContext): Buffer {
  const entries = Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.from(JSON.stringify(entries), 'utf8');
}
