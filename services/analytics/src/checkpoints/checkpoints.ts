import { publicCheckpointKey, readCheckpoint, type CheckpointKey } from '@switchyard/audit';
import { StateUnavailable } from '@switchyard/state';
import { EngineError, type Engine } from '../engine/engine.js';
import type { AnalyticsDeps } from '../start.js';
import { RetentionRecords } from '../retention/retention-records.js';
import { CheckpointCopies } from './checkpoint-copies.js';
import { loadCheckpointKey, type CheckpointKeyFile } from './checkpoint-key-file.js';
import { CheckpointStore } from './checkpoint-store.js';
import { Checkpointer } from './checkpointer.js';
import type { StoredRuns } from './stored-runs.js';
import { TrailLines } from './trail-lines.js';
import { verifiableExport, type ExportRange, type ExportSources } from './verifiable-export.js';

/** How the audit trail is vouched for. */
export interface CheckpointsConfig extends Omit<CheckpointKeyFile, 'file'> {
  readonly keyFile: string;
  readonly intervalMs: number;
  /** Folder for copies. */
  readonly copyTo?: string | undefined;
}

/** Signs what the trail is every so often, and exports it. */
export class Checkpoints {
  /** Time between two, milliseconds. */
  readonly intervalMs: number;
  readonly #deps: Pick<AnalyticsDeps, 'log'>;
  readonly #checkpointer: Checkpointer;
  readonly #sources: ExportSources;
  readonly #isCopied: boolean;
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> | undefined;

  private constructor(
    deps: AnalyticsDeps,
    checkpointer: Checkpointer,
    sources: ExportSources,
    { intervalMs, copyTo }: Pick<CheckpointsConfig, 'intervalMs' | 'copyTo'>,
  ) {
    this.#deps = deps;
    this.#checkpointer = checkpointer;
    this.#sources = sources;
    this.#isCopied = copyTo !== undefined;
    this.intervalMs = intervalMs;
    this.#timer = setInterval(() => void this.run(), intervalMs).unref();
  }

  /** @throws ConfigError where the key cannot be used; StateUnavailable */
  static async open(
    config: CheckpointsConfig,
    deps: AnalyticsDeps & { readonly engine: Engine; readonly tenant: string; readonly runs: StoredRuns },
  ): Promise<Checkpoints> {
    const { engine, tenant, state, telemetry } = deps;
    const key = await loadCheckpointKey({ file: config.keyFile, createIfMissing: config.createIfMissing });
    const store = await CheckpointStore.open(state, engine, tenant);
    const lines = new TrailLines(engine, tenant);
    const copies = config.copyTo === undefined ? undefined : new CheckpointCopies(config.copyTo);
    const checkpointer = new Checkpointer({ ...deps, tenant, key, store, lines, copies, meter: telemetry.meter });
    const records = new RetentionRecords(engine, tenant, key);
    return new Checkpoints(deps, checkpointer, { key, store, lines, records }, config);
  }

  /** Signs and copies, unless that is under way. */
  run(): Promise<void> {
    return (this.#running ??= this.#run().finally(() => (this.#running = undefined)));
  }

  /** The newest; undefined where there is none that this key has signed. @throws StateUnavailable */
  async latest(): Promise<{ readonly number: number; readonly at: string } | undefined> {
    const entry = await this.#sources.store.latest();
    return entry && readCheckpoint(Buffer.from(entry.value).toString(), [this.#sources.key]);
  }

  /** What checkpoints and records of retention are signed with, a private JWK. */
  get key(): CheckpointKey {
    return this.#sources.key;
  }

  /** What retention has deleted. */
  get records(): RetentionRecords {
    return this.#sources.records;
  }

  /** Number of the newest that is where checkpoints are copied to; of any, where they are copied nowhere. @throws StateUnavailable */
  async copiedThrough(): Promise<number> {
    return this.#isCopied ? this.#sources.store.copied() : Number.MAX_SAFE_INTEGER;
  }

  /** What exports are verified with, a public JWK. */
  publicKey(): ReturnType<typeof publicCheckpointKey> {
    return publicCheckpointKey(this.#sources.key);
  }

  /**
   * Keeps the checkpoints again that events in the database tell of, for a database that has lost them. What was not signed with this key
   * is none.
   * @returns how many there are
   * @throws EngineError
   */
  async restore(): Promise<number> {
    const { store, key } = this.#sources;
    const read = await Promise.all((await store.told()).map((jws) => readCheckpoint(jws, [key])));
    const signed = read.filter((checkpoint) => checkpoint !== undefined);
    if (signed.length > 0) await store.keep(...signed);
    return signed.length;
  }

  /** As `verifiableExport` does. */
  export(range: ExportRange): ReturnType<typeof verifiableExport> {
    return verifiableExport(range, this.#sources);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      await this.#checkpointer.sign();
      await this.#checkpointer.copy();
    } catch (error) {
      if (!isTemporary(error)) return this.#deps.log.error('the audit trail cannot be signed', { error });
      this.#deps.log.warn('the audit trail could not be signed; it is tried again', { error });
    }
  }
}

const isTemporary = (error: unknown) => error instanceof EngineError || error instanceof StateUnavailable;
