import type { BucketName } from '@switchyard/contracts';

/** A stored value and its revision. Revisions of one key only grow. */
export interface KvEntry {
  readonly key: string;
  readonly value: Uint8Array;
  readonly revision: number;
}

/** A change of one key: its new entry, or its end. */
export type KvChange = { readonly kind: 'put'; readonly entry: KvEntry } | { readonly kind: 'delete'; readonly key: string };

/** A running watch. */
export interface KvWatch {
  /** Resolves when every value that stood at the start has been handed over. */
  readonly ready: Promise<void>;
  /**
   * Asks the store itself, and resolves when everything that was written before the call has been handed over.
   * @throws StateUnavailable where that cannot be known now: the store does not answer, or the watch is behind
   */
  confirm(): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** Result of a conditional write: the new revision, or that the condition did not hold (nothing was written). */
export type CasResult = { readonly ok: true; readonly revision: number } | { readonly ok: false };

/** One tenant's part of a bucket. Keys are any text of up to 1024 bytes in UTF-8; adapters encode them. Two adapters: NatsKv and SqliteKv. */
export interface KvStore {
  get(key: string): Promise<KvEntry | undefined>;
  /** Writes whatever stood before. @param options.ttlMs the entry ends by itself after this; rounded up to whole seconds */
  put(key: string, value: Uint8Array, options?: { readonly ttlMs?: number }): Promise<number>;
  /** Writes only where the key does not exist. */
  create(key: string, value: Uint8Array, options?: { readonly ttlMs?: number }): Promise<CasResult>;
  /** Writes only where the key stands at `revision`. */
  update(key: string, value: Uint8Array, revision: number, options?: { readonly ttlMs?: number }): Promise<CasResult>;
  /**
   * Deletes. Deleting what is not there is ok; with `revision`, the key must be there and stand at it, so that of several who
   * delete at the same revision one wins.
   * @returns the revision that was deleted
   */
  delete(key: string, revision?: number): Promise<CasResult>;
  /** Keys that start with `prefix`, in no order. */
  keys(prefix?: string): Promise<string[]>;
  /** Hands over every present value and then every change, in order per key. An expired entry counts as deleted. */
  watch(onChange: (change: KvChange) => void): Promise<KvWatch>;
}

/** Where buckets come from. Two adapters: NatsState (JetStream KV) and SqliteState (node:sqlite). */
export interface State {
  /** Opens one tenant's part of a bucket, creating the bucket where it is missing. */
  bucket(name: BucketName, tenant: string): Promise<KvStore>;
  /** Whether it can be read and written now. */
  ready(): Promise<boolean>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** The store could not be reached; whether a write took effect is unknown, so read again. */
export class StateUnavailable extends Error {
  override readonly name = 'StateUnavailable';
}
