import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { z } from 'zod';

const ed25519 = { kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string().length(43) };
const secretKey = z.object({ ...ed25519, d: z.string().length(43) });
const publicKey = z.object(ed25519);

/** Makes a key that checkpoints are signed with: an Ed25519 key (RFC 8037), private JWK. */
export async function newCheckpointKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  return exportJWK(privateKey);
}

/** @returns undefined where it is no private Ed25519 JWK */
export function parseCheckpointKey(value: unknown): JWK | undefined {
  return secretKey.safeParse(value).data;
}

/** What others verify with, and what the key is called. */
export async function publicCheckpointKey(key: JWK): Promise<JWK & { readonly kid: string }> {
  const open = publicKey.parse(key);
  return { ...open, alg: 'EdDSA', use: 'sig', kid: await calculateJwkThumbprint(open) };
}
