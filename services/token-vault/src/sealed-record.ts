import { z } from 'zod';
import { NONCE_BYTES, TAG_BYTES, type Ciphertext } from './envelope.js';
import { FIRST_FORMAT, RECORD_FORMAT } from './record-binding.js';

/** What is stored: a ciphertext, and the parts of its binding that the place where it is stored does not tell. */
export interface SealedRecord {
  readonly keyId: string;
  readonly revision: number;
  readonly version: string;
  readonly data: Ciphertext;
  /** Format 1 alone: the record's own data key, wrapped. */
  readonly key?: Ciphertext;
}

const bytes = z.base64url().transform((text) => Buffer.from(text, 'base64url'));
const ofLength = (length: number) => bytes.refine((value) => value.length === length);
const ciphertext = z.strictObject({ nonce: ofLength(NONCE_BYTES), tag: ofLength(TAG_BYTES), bytes });

const common = {
  algorithm: z.literal('A256GCM'),
  keyId: z.string(),
  revision: z.int().nonnegative(),
  version: z.string(),
  data: ciphertext,
};
const current = z.strictObject({ format: z.literal(RECORD_FORMAT), ...common });
const first = z.strictObject({ format: z.literal(FIRST_FORMAT), ...common, key: ciphertext });
const storedRecord = z.discriminatedUnion('format', [current, first]);

const encodeCiphertext = ({ nonce, tag, bytes: text }: Ciphertext) => ({
  nonce: nonce.toString('base64url'),
  tag: tag.toString('base64url'),
  bytes: text.toString('base64url'),
});

/** Renders a record as it is stored: JSON, so that an operator can see which key and version it has. */
export function encodeRecord({ keyId, revision, version, data }: Omit<SealedRecord, 'key'>): Uint8Array {
  const stored: z.input<typeof current> = {
    format: RECORD_FORMAT,
    algorithm: 'A256GCM',
    keyId,
    revision,
    version,
    data: encodeCiphertext(data),
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
  const { format: _format, algorithm: _algorithm, ...record } = parsed.data;
  return record;
}
