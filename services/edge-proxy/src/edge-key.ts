import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { KvStore } from '@switchyard/state';

const KEY = 'request-state-key';
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 1;

/** The key that all edges share: what one of them seals, every other opens. */
export class EdgeKey {
  readonly #key: Buffer;

  private constructor(key: Uint8Array) {
    this.#key = Buffer.from(key);
  }

  /** @param kv where all edges find the same key; the first of them makes it */
  static async open(kv: KvStore): Promise<EdgeKey> {
    for (;;) {
      const found = await kv.get(KEY);
      if (found !== undefined) return new EdgeKey(found.value);
      const key = randomBytes(KEY_BYTES);
      if ((await kv.create(KEY, key)).ok) return new EdgeKey(key);
    }
  }

  /** @param binding what has to be given again to open it */
  seal(plain: Buffer, binding: Buffer): Buffer {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv).setAAD(binding);
    const body = [cipher.update(plain), cipher.final()];
    return Buffer.concat([Buffer.of(VERSION), iv, ...body, cipher.getAuthTag()]);
  }

  /** What was sealed; undefined where it was not with this key and binding, or has been altered. */
  open(sealed: Buffer, binding: Buffer): Buffer | undefined {
    if (sealed.length < 1 + IV_BYTES + TAG_BYTES || sealed[0] !== VERSION) return undefined;
    const decipher = createDecipheriv('aes-256-gcm', this.#key, sealed.subarray(1, 1 + IV_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(binding).setAuthTag(sealed.subarray(-TAG_BYTES));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(1 + IV_BYTES, -TAG_BYTES)), decipher.final()]);
    } catch {
      return undefined;
    }
  }
}
