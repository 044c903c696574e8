/** What a stored record is and whom it belongs to. Its ciphertext opens only under exactly this. */
export interface RecordBinding {
  readonly tenant: string;
  /** Issuer and subject of the principal that the record belongs to; both empty: the whole organisation. */
  readonly principalIssuer: string;
  readonly principalSubject: string;
  /** Upstream whose credential it is, name of the secret, or all that a connection is of. */
  readonly name: string;
  readonly kind: 'credential' | 'secret' | 'connection' | 'client' | 'payload';
  /** Data key that it is encrypted with; in format 1, key-encryption key that wrapped the record's own data key. */
  readonly keyId: string;
  /** Grows with every write of the record. */
  readonly revision: number;
  /** Version of the content. */
  readonly version: string;
}

/** Format of records that are written; part of what is authenticated. */
export const RECORD_FORMAT = 2;
/** Records of format 1 have a data key each, wrapped by the key-encryption key itself. They are read, and written anew. */
export const FIRST_FORMAT = 1;

/**
 * Renders a binding as additional authenticated data: every part with its length before it, so that no two different
 * bindings have the same bytes.
 * @param part which ciphertext of the record: in format 1, the wrapped data key must not pass for the data
 */
export function additionalData(
  binding: RecordBinding,
  part: 'key' | 'data',
  format: typeof FIRST_FORMAT | typeof RECORD_FORMAT = RECORD_FORMAT,
): Buffer {
  const parts = [
    `switchyard record ${format}`,
    part,
    binding.tenant,
    binding.principalIssuer,
    binding.principalSubject,
    binding.name,
    binding.kind,
    binding.keyId,
    String(binding.revision),
    binding.version,
  ];
  return Buffer.concat(
    parts.flatMap((text) => {
      const bytes = Buffer.from(text, 'utf8');
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}
