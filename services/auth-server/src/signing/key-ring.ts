import { createHash, generateKeyPairSync } from 'node:crypto';
import { LIFETIMES } from '../lifetimes.js';

/** A key that signs tokens, and when. */
export interface SigningKey {
  /** ES256, private, with its `kid` (RFC 7517). */
  readonly jwk: JsonWebKey & { readonly kid: string };
  readonly createdAtMs: number;
  /** From then on it signs, until the next one does. */
  readonly signsFromMs: number;
}

/** Every key that is not gone yet, in the order in which they sign. Never empty. */
export type KeyRing = readonly SigningKey[];

/** What a key is for at a moment. */
export type KeyState = 'published' | 'signing' | 'verify_only' | 'gone';

/** Makes a key. */
export function makeSigningKey(createdAtMs: number, signsFromMs: number): SigningKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { jwk: withKeyId(privateKey.export({ format: 'jwk' })), createdAtMs, signsFromMs };
}

/** Gives a key its id: the thumbprint (RFC 7638). */
export function withKeyId(jwk: JsonWebKey): SigningKey['jwk'] {
  const { crv, kty, x, y } = jwk;
  const kid = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
  return { ...jwk, alg: 'ES256', use: 'sig', kid };
}

/** What the key at this place is for. */
export function keyStateAt(ring: KeyRing, index: number, nowMs: number): KeyState {
  const next = ring[index + 1];
  if (next !== undefined && nowMs >= next.signsFromMs + LIFETIMES.keyVerifyOnlyMs) return 'gone';
  if (next !== undefined && nowMs >= next.signsFromMs) return 'verify_only';
  // The first key there is signs whatever the clock says: somebody has to.
  return index === 0 || nowMs >= (ring[index]?.signsFromMs ?? 0) ? 'signing' : 'published';
}

/** Keys that are published at a moment, the one that signs first. */
export function keysAt(ring: KeyRing, nowMs: number): readonly SigningKey['jwk'][] {
  const withState = ring.map(({ jwk }, index) => ({ jwk, state: keyStateAt(ring, index, nowMs) }));
  const published = withState.filter(({ state }) => state !== 'gone');
  return published.sort((a, b) => Number(b.state === 'signing') - Number(a.state === 'signing')).map(({ jwk }) => jwk);
}

/** Whether it is time for a next key. */
export function isRotationDue(ring: KeyRing, nowMs: number): boolean {
  const last = ring.at(-1);
  return last !== undefined && nowMs >= last.signsFromMs + LIFETIMES.keySignsMs - LIFETIMES.keyPublishedMs;
}

/**
 * The ring with a next key, without those that are gone.
 * @param leadMs how long the next key is published before it signs
 * @returns undefined where a next key will sign as early as that anyway
 */
export function withNextKey(ring: KeyRing, nowMs: number, leadMs: number): KeyRing | undefined {
  const living = ring.filter((_key, index) => keyStateAt(ring, index, nowMs) !== 'gone');
  const last = living.at(-1);
  const signsFromMs = nowMs + leadMs;
  if (last === undefined || living.length === 1 || nowMs >= last.signsFromMs)
    return [...living, makeSigningKey(nowMs, signsFromMs)];
  return last.signsFromMs <= signsFromMs ? undefined : [...living.slice(0, -1), { ...last, signsFromMs }];
}
