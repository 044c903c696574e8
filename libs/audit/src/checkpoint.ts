import type { JWK } from 'jose';
import { hash } from 'node:crypto';
import { z } from 'zod';
import type { ChainHead } from './chain-check.js';
import { readSignedJson, signJson } from './signed-json.js';

const head = z.tuple([z.int().positive(), z.string()]);

const checkpointSchema = z.strictObject({
  /** From 1, without gaps. */
  number: z.int().positive(),
  /** When it was signed. */
  at: z.iso.datetime(),
  /** SHA-256 of the checkpoint before it, as it was signed, in base64url; empty in the first. */
  previous: z.string(),
  /** By `<emitter>/<epoch>`: sequence and link of the last record that was found to be right. */
  heads: z.record(z.string(), head),
});

/** What the audit trail was at a time. Epochs in which nothing has been recorded for long are left out. */
export type Checkpoint = z.output<typeof checkpointSchema>;

/** A checkpoint that was read from its signed form. */
export interface SignedCheckpoint extends Checkpoint {
  /** JWS in compact serialization (RFC 7515 §3.1), EdDSA. */
  readonly jws: string;
}

/** Key that checkpoints are signed with: an Ed25519 key (RFC 8037), with its private part. */
export type CheckpointKey = JWK;

const TYPE = 'switchyard-checkpoint';

/** Signs a checkpoint. @param key private JWK */
export function signCheckpoint(checkpoint: Checkpoint, key: CheckpointKey): Promise<string> {
  return signJson(TYPE, checkpoint, key);
}

/**
 * Reads a checkpoint that was signed with one of some keys.
 * @param keys JWKs; only their public part is used
 * @returns undefined where none of them has signed it, or what is signed is no checkpoint
 */
export async function readCheckpoint(jws: string, keys: readonly JWK[]): Promise<SignedCheckpoint | undefined> {
  for (const key of keys) {
    const checkpoint = checkpointSchema.safeParse(await readSignedJson(TYPE, jws, key));
    if (checkpoint.success) return { ...checkpoint.data, jws };
  }
  return undefined;
}

/** What the next checkpoint says of this one as `previous`. */
export const checkpointDigest = (jws: string) => hash('sha256', jws, 'base64url');

/** The heads that a checkpoint says, by `<emitter>/<epoch>`. */
export function headsOf({ heads }: Checkpoint): Map<string, ChainHead> {
  return new Map(Object.entries(heads).map(([chain, [sequence, link]]) => [chain, { sequence, link }]));
}
