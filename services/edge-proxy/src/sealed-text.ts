import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { KvStore } from '@switchyard/state';

const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 1;

/** Seals what clients hold for the gateway, so that it can be neither read nor altered, and opens only where the same holds again. */
export class SealedText {
  readonly #key: Buffer;

  private constructor(key: Buffer) {
    this.#key = key;
  }

  /**
   * @param kv where all edges find the same key; the first of them makes it
   * @param name of the key
   */
  static async open(kv: KvStore, name: string): Promise<SealedText> {
    for (;;) {
      const found = await kv.get(name);
      if (found !== undefined) return new SealedText(Buffer.from(found.value));
      const key = randomBytes(KEY_BYTES);
      if ((await kv.create(name, key)).ok) return new SealedText(key);
    }
  }

  /** @param binding what must be the same when it is opened @returns base64url */
  seal(text: string, binding: readonly unknown[]): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv).setAAD(digestOf(binding));
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([Buffer.of(VERSION), iv, body, cipher.getAuthTag()]).toString('base64url');
  }

  /** @returns undefined for what was not sealed here under this binding, or has been altered */
  unseal(sealed: string, binding: readonly unknown[]): string | undefined {
    const bytes = Buffer.from(sealed, 'base64url');
    if (bytes.length <= 1 + IV_BYTES + TAG_BYTES || bytes[0] !== VERSION) return undefined;
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(1, 1 + IV_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(digestOf(binding)).setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      return decipher.update(bytes.subarray(1 + IV_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      return undefined;
    }
  }
}

const digestOf = (binding: readonly unknown[]) => createHash('sha256').update(JSON.stringify(binding)).digest();
