import { BUCKETS } from '@switchyard/contracts';
import type { KvEntry, KvStore, State } from '@switchyard/state';
import type { Engine } from '../engine/engine.js';

const LATEST = 'latest';
const COPIED = 'copied';
const STORED = 'stored-through';

/** A checkpoint as it is kept. */
export interface StoredCheckpoint {
  readonly number: number;
  readonly jws: string;
}

const IN_RANGE = `SELECT number, jws FROM checkpoints FINAL
  WHERE tenant = {tenant:String} AND number >= {first:UInt64} AND number <= {last:UInt64} ORDER BY number`;
// Whoever signs may have a clock that is set back: then a later checkpoint has an earlier time. Both err towards more.
const FIRST_LATER = `SELECT minIf(number, at > fromUnixTimestamp64Milli({atMs:Int64})) AS later, max(number) AS newest
  FROM checkpoints WHERE tenant = {tenant:String}`;
const LAST_EARLIER = `SELECT maxIf(number, at < fromUnixTimestamp64Milli({atMs:Int64})) AS earlier, max(number) AS newest
  FROM checkpoints WHERE tenant = {tenant:String}`;

const TOLD = `SELECT DISTINCT detail['jws'] AS jws FROM events WHERE tenant = {tenant:String} AND type = 'audit.checkpoint_signed'`;

/** Checkpoints of one tenant: the newest in the state, where replicas agree on it; all of them in the database. */
export class CheckpointStore {
  readonly #kv: KvStore;
  readonly #engine: Engine;
  readonly #tenant: string;

  private constructor(kv: KvStore, engine: Engine, tenant: string) {
    this.#kv = kv;
    this.#engine = engine;
    this.#tenant = tenant;
  }

  /** @throws StateUnavailable */
  static async open(state: State, engine: Engine, tenant: string): Promise<CheckpointStore> {
    return new CheckpointStore(await state.bucket(BUCKETS.checkpoints, tenant), engine, tenant);
  }

  /** The newest one, JWS. @throws StateUnavailable */
  latest(): Promise<KvEntry | undefined> {
    return this.#kv.get(LATEST);
  }

  /** Makes a checkpoint the newest. @returns false where another replica was first @throws StateUnavailable */
  async succeed(jws: string, before: KvEntry | undefined): Promise<boolean> {
    const value = Buffer.from(jws);
    const { ok } = await (before ? this.#kv.update(LATEST, value, before.revision) : this.#kv.create(LATEST, value));
    return ok;
  }

  /** Keeps some for good. Keeping them again changes nothing. @throws EngineError */
  async keep(...checkpoints: readonly (StoredCheckpoint & { readonly at: string })[]): Promise<void> {
    const rows = checkpoints.map(({ number, at, jws }) => `${JSON.stringify({ tenant: this.#tenant, number, at, jws })}\n`);
    const token = `checkpoint ${this.#tenant} ${checkpoints.map(({ number }) => number).join()}`;
    await this.#engine.insertLines('checkpoints', Buffer.from(rows.join('')), token);
  }

  /** Every checkpoint that an event in the database tells of, JWS. @throws EngineError */
  async told(): Promise<string[]> {
    const rows = await this.#engine.query(TOLD, { tenant: this.#tenant });
    return (rows as { jws: string }[]).map(({ jws }) => jws);
  }

  /** @throws EngineError */
  async between(first: number, last: number): Promise<StoredCheckpoint[]> {
    const rows = await this.#engine.query(IN_RANGE, { tenant: this.#tenant, first, last });
    return (rows as { number: string | number; jws: string }[]).map((row) => ({ ...row, number: Number(row.number) }));
  }

  /** Number of the last checkpoint that has none behind a time before it; 0 where there is none. @throws EngineError */
  async before(atMs: number): Promise<number> {
    const { later, newest } = await this.#numbers(FIRST_LATER, atMs);
    return later > 0 ? later - 1 : newest;
  }

  /** Number of the first checkpoint that has none before a time behind it; 0 where there is none yet. @throws EngineError */
  async behind(atMs: number): Promise<number> {
    const { earlier, newest } = await this.#numbers(LAST_EARLIER, atMs);
    return earlier < newest ? earlier + 1 : 0;
  }

  async #numbers(sql: string, atMs: number): Promise<Readonly<Record<'earlier' | 'later' | 'newest', number>>> {
    const [row = {}] = (await this.#engine.query(sql, { tenant: this.#tenant, atMs })) as Record<string, string | number>[];
    return { earlier: Number(row['earlier'] ?? 0), later: Number(row['later'] ?? 0), newest: Number(row['newest'] ?? 0) };
  }

  /** Until when the database had been read, by its own clock, when the newest one was signed; undefined where none says. @throws StateUnavailable */
  storedThrough(): Promise<number | undefined> {
    return this.#remembered(STORED);
  }

  /** @throws StateUnavailable */
  async markStoredThrough(atMs: number): Promise<void> {
    await this.#kv.put(STORED, Buffer.from(String(atMs)));
  }

  /** Number of the newest one that has been copied elsewhere. @throws StateUnavailable */
  async copied(): Promise<number> {
    return (await this.#remembered(COPIED)) ?? 0;
  }

  /** @throws StateUnavailable */
  async markCopied(number: number): Promise<void> {
    await this.#kv.put(COPIED, Buffer.from(String(number)));
  }

  /** Values of the state are bytes of any kind, whose toString() lists numbers. */
  async #remembered(key: string): Promise<number | undefined> {
    const entry = await this.#kv.get(key);
    return entry && Number(Buffer.from(entry.value).toString());
  }
}
