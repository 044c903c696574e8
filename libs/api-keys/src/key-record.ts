import { fromJsonString, toJsonString } from '@bufbuild/protobuf';
import { ApiKeyRecordSchema, type ApiKeyRecord } from '@switchyard/contracts';

/** A record as it is stored in `BUCKETS.apiKeys` under the id of the key. */
export function encodeApiKeyRecord(record: ApiKeyRecord): Uint8Array {
  return Buffer.from(toJsonString(ApiKeyRecordSchema, record), 'utf8');
}

/**
 * Reads a stored record. Fields of a newer version are ignored, so that services may be upgraded one after the other.
 * @throws Error when it is no such record
 */
export function decodeApiKeyRecord(value: Uint8Array): ApiKeyRecord {
  return fromJsonString(ApiKeyRecordSchema, Buffer.from(value).toString('utf8'), { ignoreUnknownFields: true });
}
