import { chainRunOf, type ChainRun } from '@switchyard/audit';
import type { StreamMessage } from '@switchyard/messaging';

/** Some four minutes at 50,000 events a second; each takes as much memory as one event. */
const LIMIT = 50_000;

/** What a checkpoint itself adds to the trail is no reason for another. */
export const OWN_EVENT = '"type":"audit.checkpoint_signed"';

/** Lines that were stored, and whether anything but checkpoints is among them. */
export interface StoredRun extends ChainRun {
  readonly hasNews: boolean;
}

/**
 * What this process has stored since the last checkpoint, and found to follow each other while it had it in its hands: what reading it back
 * from the database would show again, at several times the cost.
 */
export class StoredRuns {
  /** By chain and first sequence. */
  readonly #runs = new Map<string, Map<number, StoredRun>>();
  readonly #tenant: string;
  readonly #limit: number;
  #count = 0;

  /** @param limit most that are remembered; what is forgotten is read from the database */
  constructor(tenant: string, limit = LIMIT) {
    this.#tenant = tenant;
    this.#limit = limit;
  }

  /** @param messages that the database has, every line of them as an event */
  add(messages: readonly StreamMessage[]): void {
    for (const { data } of messages) {
      const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      const run = chainRunOf(bytes);
      if (run?.tenant === this.#tenant) this.#keep({ ...run, hasNews: hasNews(bytes) });
    }
  }

  /** Those of one chain, by their first sequence. */
  of(chain: string): readonly StoredRun[] {
    return [...(this.#runs.get(chain)?.values() ?? [])].sort((one, other) => one.first - other.first);
  }

  /** Forgets what is signed. */
  forget(chain: string, through: number): void {
    const runs = this.#runs.get(chain);
    for (const [first, { last }] of runs ?? []) {
      if (last > through) continue;
      runs?.delete(first);
      this.#count -= 1;
    }
    if (runs?.size === 0) this.#runs.delete(chain);
  }

  #keep(run: StoredRun): void {
    // The database has them all; what cannot be signed for long is not to fill the memory.
    if (this.#count >= this.#limit) {
      this.#runs.clear();
      this.#count = 0;
    }
    const runs = this.#runs.get(run.chain) ?? new Map<number, StoredRun>();
    this.#runs.set(run.chain, runs);
    if (!runs.has(run.first)) this.#count += 1;
    runs.set(run.first, run);
  }
}

function hasNews(bytes: Buffer): boolean {
  if (!bytes.includes(OWN_EVENT)) return true;
  const lines = bytes.toString('latin1').split('\n');
  return lines.some((line) => line !== '' && !line.includes(OWN_EVENT));
}
