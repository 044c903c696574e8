import { timestampMs } from '@bufbuild/protobuf/wkt';
import { decodeApiKeyRecord, encodeApiKeyRecord, mintApiKey, type ApiKeyOptions } from '@switchyard/api-keys';
import { BUCKETS, type ApiKeyRecord } from '@switchyard/contracts';
import type { KvStore, State } from '@switchyard/state';
import { RevocationRegister } from '../revocation/revocation-register.js';

/** Where API keys are made and ended. Everyone who verifies keys watches the same bucket. */
export class KeyRegister {
  readonly #bucket: KvStore;
  readonly #revocations: RevocationRegister;
  readonly #clock: { now(): number };

  private constructor(bucket: KvStore, revocations: RevocationRegister, clock: { now(): number }) {
    this.#bucket = bucket;
    this.#revocations = revocations;
    this.#clock = clock;
  }

  static async open(state: State, tenant: string, clock: { now(): number }): Promise<KeyRegister> {
    const [bucket, revocations] = [await state.bucket(BUCKETS.apiKeys, tenant), await RevocationRegister.open(state, tenant)];
    return new KeyRegister(bucket, revocations, clock);
  }

  /** Makes a key. @returns its text, which is kept nowhere */
  async create(o: Omit<ApiKeyOptions, 'createdAtMs'>): Promise<{ readonly text: string; readonly record: ApiKeyRecord }> {
    const key = mintApiKey({ ...o, createdAtMs: this.#clock.now() });
    await this.#bucket.put(key.record.id, encodeApiKeyRecord(key.record));
    return key;
  }

  /** Every key, oldest first; expired ones too. */
  async list(): Promise<readonly ApiKeyRecord[]> {
    const ids = await this.#bucket.keys();
    const records = await Promise.all(ids.map((id) => this.find(id)));
    return records.filter((record) => record !== undefined).sort((a, b) => createdAtMs(a) - createdAtMs(b));
  }

  async find(id: string): Promise<ApiKeyRecord | undefined> {
    const entry = await this.#bucket.get(id);
    return entry && decodeApiKeyRecord(entry.value);
  }

  /** Ends a key, at once and everywhere, with what was begun by it. Idempotent. */
  async revoke(id: string): Promise<void> {
    await this.#bucket.delete(id);
    await this.#revocations.revoke({ kind: 'api-key', id });
  }
}

const createdAtMs = ({ createdAt }: ApiKeyRecord) => (createdAt === undefined ? 0 : timestampMs(createdAt));
