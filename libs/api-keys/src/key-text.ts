import { createHash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { ApiKeyRecordSchema, type ApiKeyRecord } from '@switchyard/contracts';

const ID_ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';
const ID_LENGTH = 12;
const SECRET_BYTES = 32;
const KEY_TEXT = /^sy_([a-z0-9]{12})_([A-Za-z0-9_-]{43})$/;

/** What a new key may do, and until when. */
export interface ApiKeyOptions {
  /** What people call it. */
  readonly name: string;
  /** Slugs of the servers that it opens; `*` means all. */
  readonly servers: readonly string[];
  /** Roles at the admin API. */
  readonly roles: readonly string[];
  readonly createdAtMs: number;
  /** Absent: it never expires. */
  readonly expiresAtMs?: number;
}

/**
 * Makes a key: `sy_<id>_<secret>`, the secret being 256 random bits.
 * @returns the text, which is shown once and kept nowhere, and the record, which holds only the hash of the secret
 */
export function mintApiKey(o: ApiKeyOptions): { readonly text: string; readonly record: ApiKeyRecord } {
  const id = Array.from({ length: ID_LENGTH }, () => ID_ALPHABET[randomInt(ID_ALPHABET.length)]).join('');
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  const record = create(ApiKeyRecordSchema, {
    id,
    name: o.name,
    secretSha256: hashOf(secret).toString('base64url'),
    servers: [...o.servers],
    roles: [...o.roles],
    createdAt: timestampFromMs(o.createdAtMs),
    ...(o.expiresAtMs === undefined ? {} : { expiresAt: timestampFromMs(o.expiresAtMs) }),
  });
  return { text: `sy_${id}_${secret}`, record };
}

/** Takes a key text apart. Undefined: it is none. */
export function parseApiKey(text: string): { readonly id: string; readonly secret: string } | undefined {
  const match = KEY_TEXT.exec(text);
  if (match === null) return undefined;
  const [, id = '', secret = ''] = match;
  return { id, secret };
}

/** Whether a secret is the one whose hash is stored. Takes equally long for every wrong secret. */
export function secretMatches(secret: string, secretSha256: string): boolean {
  const stored = Buffer.from(secretSha256, 'base64url');
  const given = hashOf(secret);
  return stored.length === given.length && timingSafeEqual(stored, given);
}

// The secret is 256 random bits, so a plain hash is enough: there is nothing to guess that a slow hash would protect.
function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret, 'utf8').digest();
}
