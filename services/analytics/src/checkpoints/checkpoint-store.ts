import { BUCKETS } from '@switchyard/contracts';
import type { KvEntry, KvStore, State } from '@switchyard/state';
import type { Engine } from '../engine/engine.js';

const LATEST = 'latest';
const COPIED = 'copied';

/** A checkpoint as it is kept. */
export interface StoredCheckpoint {
  readonly number: number;
  readonly jws: string;
}

const IN_RANGE = `SELECT number, jws FROM checkpoints FINAL
  WHERE tenant = {tenant:String} AND number >= {first:UInt64} AND number <= {last:UInt64} ORDER BY number`;
const BEFORE = `SELECT max(number) AS number FROM checkpoints WHERE tenant = {tenant:String} AND at <= fromUnixTimestamp64Milli({atMs:Int64})`;
const BEHIND = `SELECT min(number) AS number FROM checkpoints WHERE tenant = {tenant:String} AND at >= fromUnixTimestamp64Milli({atMs:Int64})`;

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

  /** Keeps one for good. Keeping it again changes nothing. @throws EngineError */
  async keep({ number, at, jws }: StoredCheckpoint & { readonly at: string }): Promise<void> {
    const row = { tenant: this.#tenant, number, at, jws };
    await this.#engine.insertLines(
      'checkpoints',
      Buffer.from(`${JSON.stringify(row)}\n`),
      `checkpoint ${this.#tenant} ${number}`,
    );
  }

  /** @throws EngineError */
  async between(first: number, last: number): Promise<StoredCheckpoint[]> {
    const rows = await this.#engine.query(IN_RANGE, { tenant: this.#tenant, first, last });
    return (rows as { number: string | number; jws: string }[]).map((row) => ({ ...row, number: Number(row.number) }));
  }

  /** Number of the last checkpoint at or before a time; 0 where there is none. @throws EngineError */
  before(atMs: number): Promise<number> {
    return this.#number(BEFORE, atMs);
  }

  /** Number of the first checkpoint at or behind a time; 0 where there is none yet. @throws EngineError */
  behind(atMs: number): Promise<number> {
    return this.#number(BEHIND, atMs);
  }

  async #number(sql: string, atMs: number): Promise<number> {
    const [row] = (await this.#engine.query(sql, { tenant: this.#tenant, atMs })) as { number: string | number }[];
    return Number(row?.number ?? 0);
  }

  /** Number of the newest one that has been copied elsewhere. @throws StateUnavailable */
  async copied(): Promise<number> {
    return Number((await this.#kv.get(COPIED))?.value.toString() ?? 0);
  }

  /** @throws StateUnavailable */
  async markCopied(number: number): Promise<void> {
    await this.#kv.put(COPIED, Buffer.from(String(number)));
  }
}
