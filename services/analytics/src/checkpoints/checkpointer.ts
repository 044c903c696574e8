import {
  ChainCheck,
  checkpointDigest,
  CHAIN_FAULTS,
  headsOf,
  readCheckpoint,
  signCheckpoint,
  type Audit,
  type ChainFault,
  type ChainHead,
  type CheckpointKey,
  type SignedCheckpoint,
} from '@switchyard/audit';
import type { Clock } from '@switchyard/runtime';
import type { Logger, Telemetry } from '@switchyard/telemetry';
import type { CheckpointCopies } from './checkpoint-copies.js';
import type { CheckpointStore } from './checkpoint-store.js';
import { OWN_EVENT, type StoredRuns } from './stored-runs.js';
import { chainOf, epochOf, type Epoch, type TrailLines } from './trail-lines.js';

/** What signing stands on. */
export interface CheckpointerDeps {
  readonly tenant: string;
  readonly key: CheckpointKey;
  readonly store: CheckpointStore;
  readonly lines: TrailLines;
  /** What this process has stored itself. */
  readonly runs: StoredRuns;
  /** Absent where checkpoints are copied nowhere. */
  readonly copies: CheckpointCopies | undefined;
  readonly audit: Pick<Audit, 'record'>;
  readonly meter: Telemetry['meter'];
  readonly clock: Clock;
  readonly log: Logger;
}

/** Lines may be stored while the checkpoint before is being made. */
const OVERLAP_MS = 10 * 60_000;
/** An epoch whose emitter has long been in another is left out. */
const FINISHED_MS = 24 * 3_600_000;
/** A checkpoint says the same as the one before until something has been recorded, but not for longer than this. */
const LONGEST_SILENCE_MS = 3_600_000;

/** How far the trail is right. */
interface Advance {
  readonly heads: Map<string, ChainHead>;
  /** Whether something has been recorded since. */
  readonly hasNews: boolean;
}

/** What following an epoch came upon. */
interface Followed {
  readonly fault?: ChainFault;
  readonly hasNews: boolean;
}

/** Signs what the audit trail is, once everything up to there was found to be as it was recorded. */
export class Checkpointer {
  readonly #deps: CheckpointerDeps;
  readonly #signed;
  readonly #faults;
  /** What was told of an epoch already: a trail that is broken stays so. */
  readonly #told = new Map<string, string>();

  constructor(deps: CheckpointerDeps) {
    this.#deps = deps;
    this.#signed = deps.meter.createCounter('switchyard_checkpoints', {
      description: 'Checkpoints of the audit trail that were signed',
    });
    this.#faults = deps.meter.createGauge('switchyard_audit_chain_faults', {
      description: 'Epochs whose records are not as they were recorded, or do not follow each other; 0 while all is well',
    });
  }

  /**
   * Signs the next checkpoint where there is something to sign.
   * @returns undefined where there is not, or another replica has signed it
   * @throws EngineError, StateUnavailable
   */
  async sign(): Promise<SignedCheckpoint | undefined> {
    const { store, key, clock, lines } = this.#deps;
    const entry = await store.latest();
    const before = entry && (await this.#open(Buffer.from(entry.value).toString()));
    // The one before may not have got as far as the database.
    if (before) await store.keep(before);
    // By the clock that lines are stored by: that of this process may be set, ahead and back.
    const readAtMs = await lines.now();
    const { heads, hasNews } = await this.#advanced(before);
    const atMs = clock.now();
    const silentMs = before ? atMs - Date.parse(before.at) : 0;
    if (!hasNews && silentMs < LONGEST_SILENCE_MS) return undefined;
    const content = {
      number: (before?.number ?? 0) + 1,
      at: new Date(atMs).toISOString(),
      previous: before ? checkpointDigest(before.jws) : '',
      heads: Object.fromEntries(
        [...heads].map(([chain, { sequence, link }]): [string, [number, string]] => [chain, [sequence, link]]),
      ),
    };
    const checkpoint = { ...content, jws: await signCheckpoint(content, key) };
    if (!(await store.succeed(checkpoint.jws, entry))) return undefined;
    await store.markStoredThrough(readAtMs);
    await store.keep(checkpoint);
    this.#signed.add(1);
    await this.#tell(checkpoint);
    return checkpoint;
  }

  /** Copies what has not been copied yet. @throws EngineError, StateUnavailable; the system's error where the copy cannot be written */
  async copy(): Promise<void> {
    const { copies, store } = this.#deps;
    if (copies === undefined) return;
    for (const checkpoint of await store.between((await store.copied()) + 1, Number.MAX_SAFE_INTEGER)) {
      await copies.add(checkpoint);
      await store.markCopied(checkpoint.number);
    }
  }

  async #open(jws: string): Promise<SignedCheckpoint> {
    const { key } = this.#deps;
    const read = await readCheckpoint(jws, [key]);
    if (read === undefined)
      throw new Error(
        'The newest checkpoint was not signed with this key. Give analytics the key back: a new one cannot vouch for it.',
      );
    return read;
  }

  /** Goes on from the heads that were signed, as far as records follow each other. */
  async #advanced(before: SignedCheckpoint | undefined): Promise<Advance> {
    const { lines, clock, store } = this.#deps;
    const known = before ? headsOf(before) : new Map<string, ChainHead>();
    const readUntilMs = before && ((await store.storedThrough()) ?? Date.parse(before.at));
    const fresh = await lines.storedSince(readUntilMs === undefined ? 0 : readUntilMs - OVERLAP_MS);
    const check = new ChainCheck(known);
    let faults = 0;
    let hasNews = false;
    for (const epoch of fresh) {
      const chain = chainOf(epoch);
      const { fault, ...seen } = await this.#follow(epoch, check);
      hasNews ||= seen.hasNews;
      // What is missing may be on its way.
      if (fault === undefined || fault.kind === 'missing') this.#told.delete(chain);
      else {
        faults += 1;
        this.#tellFault(chain, fault);
      }
    }
    this.#faults.record(faults);
    return { heads: withoutFinished(check.heads, new Set(fresh.map(chainOf)), clock.now()), hasNews };
  }

  /** As far as an epoch goes: what this process has stored by its runs, what others have by the lines in the database. */
  async #follow(epoch: Epoch, check: ChainCheck): Promise<Followed> {
    const { runs } = this.#deps;
    const chain = chainOf(epoch);
    const reached = () => check.heads.get(chain)?.sequence ?? 0;
    runs.forget(chain, reached());
    let hasNews = false;
    for (const run of runs.of(chain)) {
      if (run.first > reached() + 1) {
        const read = await this.#read(epoch, check, reached(), run.first - 1);
        hasNews ||= read.hasNews;
        if (read.fault) return { ...read, hasNews };
      }
      // Batches that were made anew from the spool may overlap: then the database says what is between.
      if (run.first <= reached()) continue;
      const fault = check.nextRun(run);
      if (fault) return { fault, hasNews };
      hasNews ||= run.hasNews;
    }
    const rest = await this.#read(epoch, check, reached());
    return { ...rest, hasNews: hasNews || rest.hasNews };
  }

  async #read(epoch: Epoch, check: ChainCheck, after: number, last?: number): Promise<Followed> {
    let hasNews = false;
    for await (const line of this.#deps.lines.of(epoch, after, last)) {
      const fault = check.next(Buffer.from(line));
      if (fault) return { fault, hasNews };
      hasNews ||= !line.includes(OWN_EVENT);
    }
    return { hasNews };
  }

  #tellFault(chain: string, { kind, eventId }: ChainFault): void {
    if (this.#told.get(chain) === eventId) return;
    this.#told.set(chain, eventId);
    this.#deps.log.error(`a record of the audit trail ${CHAIN_FAULTS[kind]}; nothing behind it is signed`, { event_id: eventId });
  }

  /** An event, so that every sink has a copy. */
  async #tell({ number, jws }: SignedCheckpoint): Promise<void> {
    const { audit, tenant } = this.#deps;
    const detail = { number: String(number), digest: checkpointDigest(jws), jws };
    await audit.record({ type: 'audit.checkpoint_signed', outcome: 'ok', tenant, detail });
  }
}

function withoutFinished(
  heads: ReadonlyMap<string, ChainHead>,
  fresh: ReadonlySet<string>,
  nowMs: number,
): Map<string, ChainHead> {
  const newest = new Map<string, number>();
  for (const { emitter, epoch } of [...heads.keys()].map(epochOf)) newest.set(emitter, Math.max(epoch, newest.get(emitter) ?? 0));
  const isFinished = (chain: string) => {
    const { emitter, epoch } = epochOf(chain);
    const successor = newest.get(emitter) ?? epoch;
    return !fresh.has(chain) && successor > epoch && successor < nowMs - FINISHED_MS;
  };
  return new Map([...heads].filter(([chain]) => !isFinished(chain)));
}
