import type { KvChange, KvStore, KvWatch } from '@switchyard/state';
import type { Logger } from '@switchyard/telemetry';
import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { CallsInHand } from './calls-in-hand.js';
import type { EdgeKey } from './edge-key.js';

/** How long a cancellation stands in the state: as long as an edge may take to hear of it. */
const TOLD_MS = 10_000;
const BINDING = Buffer.from('switchyard.edge.cancellation');

const cancelled = z.object({ session: z.string(), requestId: z.string() });

/** What telling the other edges needs. */
export interface CancellationsOptions {
  readonly kv: KvStore;
  /** Of all edges: session ids are secrets. */
  readonly key: EdgeKey;
  readonly calls: CallsInHand;
  readonly log: Logger;
}

/**
 * `notifications/cancelled` of legacy clients (MCP 2025-11-25, "Cancellation"): it may reach another edge than the one that has the call
 * in hand, which that edge cannot know. So it tells all.
 */
export class Cancellations {
  readonly #options: CancellationsOptions;
  #watch: KvWatch | undefined;

  private constructor(options: CancellationsOptions) {
    this.#options = options;
  }

  /** Follows what the others tell. */
  static async open(options: CancellationsOptions): Promise<Cancellations> {
    const cancellations = new Cancellations(options);
    cancellations.#watch = await options.kv.watch((change) => cancellations.#take(change));
    await cancellations.#watch.ready;
    return cancellations;
  }

  /** Cancels a call of a session, here or elsewhere. Does not wait. @param requestId as JSON text */
  cancel(session: string, requestId: string): void {
    const { kv, key, calls, log } = this.#options;
    if (calls.cancel(session, requestId)) return;
    const sealed = key.seal(Buffer.from(JSON.stringify({ session, requestId })), BINDING);
    kv.put(randomUUID(), sealed, { ttlMs: TOLD_MS }).catch((error: unknown) =>
      log.warn('other edges were not told of a cancelled call', { error }),
    );
  }

  #take(change: KvChange): void {
    if (change.kind !== 'put') return;
    const plain = this.#options.key.open(Buffer.from(change.entry.value), BINDING);
    if (plain === undefined) return;
    const { session, requestId } = cancelled.parse(JSON.parse(plain.toString('utf8')));
    this.#options.calls.cancel(session, requestId);
  }

  /** Follows no more. */
  async close(): Promise<void> {
    await this.#watch?.close();
  }
}
