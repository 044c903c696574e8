import { z } from 'zod';
import { NONCE_BYTES, TAG_BYTES, type Ciphertext, type Envelope } from './envelope.js';
import { RECORD_FORMAT } from './record-binding.js';

/** What is stored: an envelope, and the parts of its binding that the place where it is stored does not tell. */
export interface SealedRecord {
  readonly keyId: string;
  readonly revision: number;
  readonly version: string;
  readonly envelope: Envelope;
}

const bytes = z.base64url().transform((text) => Buffer.from(text, 'base64url'));
const ofLength = (length: number) => bytes.refine((value) => value.length === length);
const ciphertext = z.strictObject({ nonce: ofLength(NONCE_BYTES), tag: ofLength(TAG_BYTES), bytes });

const storedRecord = z.strictObject({
  format: z.literal(RECORD_FORMAT),
  algorithm: z.literal('A256GCM'),
  keyId: z.string(),
  revision: z.int().nonnegative(),
  version: z.string(),
  key: ciphertext,
  data: ciphertext,
});

const encodeCiphertext = ({ nonce, tag, bytes: text }: Ciphertext) => ({
  nonce: nonce.toString('base64url'),
  tag: tag.toString('base64url'),
  bytes: text.toString('base64url'),
});

/** Renders a record as it is stored: JSON, so that an operator can see which key and version it has. */
export function encodeRecord({ keyId, revision, version, envelope }: SealedRecord): Uint8Array {
  const stored: z.input<typeof storedRecord> = {
    format: RECORD_FORMAT,
    algorithm: 'A256GCM',
    keyId,
    revision,
    version,
    key: encodeCiphertext(envelope.key),
    data: encodeCiphertext(envelope.data),
  };
  return Buffer.from(JSON.stringify(stored));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Reads a stored record; undefined where it is none, or a damaged one. */
export function decodeRecord(stored: Uint8Array): SealedRecord | undefined {
  const parsed = storedRecord.safeParse(parseJson(Buffer.from(stored).toString('utf8')));
  if (!parsed.success) return undefined;
  const { keyId, revision, version, key, data } = parsed.data;
  return { keyId, revision, version, envelope: { key, data } };
}
