import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { z } from 'zod';
import type { Keyring } from '../keyring/keyring.js';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Short-lived values that browsers and the store keep for the vault: nobody else can read, make or exchange them, and every vault
 * can read those of the others.
 */
export class SealedTexts {
  readonly #keyring: Keyring;
  readonly #clock: { now(): number };

  constructor(keyring: Keyring, clock: { now(): number }) {
    this.#keyring = keyring;
    this.#clock = clock;
  }

  /**
   * @param purpose what it is for; it opens for nothing else
   * @throws KmsUnavailable; TenantKeyDestroyed; StateUnavailable
   */
  async seal(purpose: string, value: object, lifetimeMs: number): Promise<string> {
    const key = await this.#keyring.derived('connecting');
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(purpose));
    const text = JSON.stringify({ value, untilMs: this.#clock.now() + lifetimeMs });
    const bytes = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    key.fill(0);
    return Buffer.concat([nonce, cipher.getAuthTag(), bytes]).toString('base64url');
  }

  /**
   * @returns undefined where it is not ours, for another purpose, or too old
   * @throws as `seal`
   */
  async open<T>(purpose: string, sealed: string | undefined, schema: z.ZodType<T>): Promise<T | undefined> {
    const bytes = Buffer.from(sealed ?? '', 'base64url');
    if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
    const key = await this.#keyring.derived('connecting');
    try {
      const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
        .setAAD(Buffer.from(purpose))
        .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8');
      const { value, untilMs } = JSON.parse(text) as { readonly value: unknown; readonly untilMs: number };
      return untilMs > this.#clock.now() ? schema.parse(value) : undefined;
    } catch {
      // The cipher has one error for everything, on purpose.
      return undefined;
    } finally {
      key.fill(0);
    }
  }
}
