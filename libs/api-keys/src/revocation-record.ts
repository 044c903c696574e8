import { create, fromJsonString, toJsonString } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { RevocationSchema, RevokedKind } from '@switchyard/contracts';
import { createHash } from 'node:crypto';

/** Something that is dead, with everything that was issued under it. */
export interface Revoked {
  /** A person is named by subject, a token by `jti`. */
  readonly kind: 'grant' | 'person' | 'client' | 'api-key' | 'token';
  readonly id: string;
  /** What was granted later is good. Absent: nothing is. */
  readonly grantedUntilMs?: number;
}

const KINDS = {
  grant: RevokedKind.GRANT,
  person: RevokedKind.PERSON,
  client: RevokedKind.CLIENT,
  'api-key': RevokedKind.API_KEY,
  token: RevokedKind.TOKEN,
} as const satisfies Record<Revoked['kind'], RevokedKind>;

const LONGEST_ID = 256;

/** Name of something that can be revoked: its key in `BUCKETS.revocations`. */
export function revocableName(kind: Revoked['kind'], id: string): string {
  // Ids of clients are URLs of any length; a key of the store has a limit.
  return `${kind}/${id.length <= LONGEST_ID ? id : createHash('sha256').update(id).digest('base64url')}`;
}

/** A record as it is stored under `revocableName`. */
export function encodeRevoked({ kind, id, grantedUntilMs }: Revoked): Uint8Array {
  const until = grantedUntilMs === undefined ? {} : { grantedUntil: timestampFromMs(grantedUntilMs) };
  return Buffer.from(toJsonString(RevocationSchema, create(RevocationSchema, { kind: KINDS[kind], id, ...until })), 'utf8');
}

/**
 * Reads a stored record: until when what was granted is dead, milliseconds since 1970. What it is of, its key says.
 * @throws Error when it is no such record
 */
export function decodeGrantedUntilMs(value: Uint8Array): number {
  const text = Buffer.from(value).toString('utf8');
  const { grantedUntil } = fromJsonString(RevocationSchema, text, { ignoreUnknownFields: true });
  return grantedUntil === undefined ? Number.POSITIVE_INFINITY : timestampMs(grantedUntil);
}
