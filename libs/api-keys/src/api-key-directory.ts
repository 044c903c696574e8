import { timestampMs } from '@bufbuild/protobuf/wkt';
import { BUCKETS, type ApiKeyRecord } from '@switchyard/contracts';
import { WatchedMap, type State } from '@switchyard/state';
import { decodeApiKeyRecord } from './key-record.js';
import { parseApiKey, secretMatches } from './key-text.js';

/** Issuer of the principals that API keys stand for. */
export const API_KEY_ISSUER = 'api-key';

/** All API keys of one tenant in memory, kept current by a watch: a revoked key stops working at once, on every process. */
export class ApiKeyDirectory {
  readonly #records: WatchedMap<ApiKeyRecord>;
  readonly #clock: { now(): number };

  private constructor(records: WatchedMap<ApiKeyRecord>, clock: { now(): number }) {
    this.#records = records;
    this.#clock = clock;
  }

  /**
   * Opens the directory; resolves when every key that stands now is known.
   * @param onUnreadable told of a stored record that is none; its key opens nothing
   * @throws StateUnavailable when the store cannot be reached
   */
  static async open(
    state: State,
    tenant: string,
    clock: { now(): number },
    onUnreadable: (keyId: string, error: unknown) => void = () => undefined,
  ): Promise<ApiKeyDirectory> {
    const bucket = await state.bucket(BUCKETS.apiKeys, tenant);
    const decode = ({ value }: { readonly value: Uint8Array }) => decodeApiKeyRecord(value);
    return new ApiKeyDirectory(await WatchedMap.open(bucket, { decode, onError: onUnreadable }), clock);
  }

  /**
   * Finds the key that a text is. Synchronous: nothing is asked.
   * @returns its record, or undefined where the text is no key, an unknown one, or an expired one
   */
  verify(text: string): ApiKeyRecord | undefined {
    const key = parseApiKey(text);
    if (key === undefined) return undefined;
    const record = this.#records.get(key.id);
    if (record === undefined || !secretMatches(key.secret, record.secretSha256)) return undefined;
    return this.#expired(record) ? undefined : record;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.#records.close();
  }

  #expired(record: ApiKeyRecord): boolean {
    return record.expiresAt !== undefined && timestampMs(record.expiresAt) <= this.#clock.now();
  }
}
