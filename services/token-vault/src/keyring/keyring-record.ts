import { z } from 'zod';

const wrappedKey = z.strictObject({
  id: z.string().regex(/^[a-z0-9]{16}$/),
  /** `records` encrypts records; `versions` makes the versions of contents. */
  purpose: z.enum(['records', 'versions']),
  createdAtMs: z.int().nonnegative(),
  /** Key-encryption key, as `Kms.id`, and the version of it. */
  kek: z.string(),
  kekVersion: z.string(),
  ciphertext: z.string(),
});

const living = z.strictObject({
  format: z.literal(1),
  state: z.literal('living'),
  /** Key that records are encrypted with from now on. */
  current: z.string(),
  /** Key that every record has been found to be encrypted with; another one means that records wait to be encrypted anew. */
  settled: z.string(),
  keys: z.array(wrappedKey).min(2),
});

const destroyed = z.strictObject({ format: z.literal(1), state: z.literal('destroyed'), destroyedAtMs: z.int(), count: z.int() });

const keyringRecord = z.discriminatedUnion('state', [living, destroyed]);

/** One tenant's data key as it is stored: wrapped. */
export type WrappedDataKey = z.infer<typeof wrappedKey>;
/** A tenant's data keys as they are stored. */
export type LivingKeyring = z.infer<typeof living>;
/** What is stored of a tenant's data keys, or that they were destroyed. */
export type KeyringRecord = z.infer<typeof keyringRecord>;

/** Renders a keyring as it is stored: JSON, so that an operator can see its keys and their ages. */
export function encodeKeyring(keyring: KeyringRecord): Uint8Array {
  return Buffer.from(JSON.stringify(keyring), 'utf8');
}

/** @throws Error where it is damaged: nothing can be read or written then, and nothing is made in its place */
export function decodeKeyring(stored: Uint8Array): KeyringRecord {
  try {
    return keyringRecord.parse(JSON.parse(Buffer.from(stored).toString('utf8')));
  } catch (cause) {
    throw new Error('the stored keyring is damaged; restore it from a backup', { cause });
  }
}
