import type { KvStore } from '@switchyard/state';
import { setTimeout as pause } from 'node:timers/promises';
import * as z from 'zod';
import type { LoggedEvent } from './event-log.js';
import { GRACE_MS } from './event-log.js';
import { leaveIndex, leaveParts, takeParts } from './left-parts.js';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

const index = z.object({ parts: z.int().nonnegative() });
const events = z.array(z.object({ sequence: z.int(), id: z.string(), data: z.string() }));

/**
 * Streams that ended after their client had gone, where every edge can take them up: a client that comes back may reach any edge, and the
 * edge that has its call cannot know which (MCP 2025-11-25, "Resumability and Redelivery").
 */
export class HandedOver {
  readonly #kv: KvStore;

  constructor(kv: KvStore) {
    this.#kv = kv;
  }

  /** Leaves the events of a stream that has ended. */
  async leave(stream: string, log: readonly LoggedEvent[]): Promise<void> {
    const plain = log.map(({ sequence, id, data }) => ({ sequence, id, data: data.toString('utf8') }));
    const bytes = Buffer.from(JSON.stringify(plain));
    const parts = await leaveParts(this.#kv, stream, bytes);
    await leaveIndex(this.#kv, stream, Buffer.from(JSON.stringify({ parts })));
  }

  /** Waits for a stream of another edge's to be left, as long as that edge lets its call go on for a client that has gone. */
  async take(stream: string, stop: () => boolean): Promise<LoggedEvent[] | undefined> {
    const until = performance.now() + GRACE_MS + LONGEST_PAUSE_MS;
    for (let pauseMs = FIRST_PAUSE_MS; !stop() && performance.now() < until; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      const entry = await this.#kv.get(stream);
      if (entry !== undefined) return this.#read(stream, index.parse(parse(entry.value)).parts);
      await pause(pauseMs);
    }
    return undefined;
  }

  async #read(stream: string, parts: number): Promise<LoggedEvent[] | undefined> {
    const bytes = await takeParts(this.#kv, stream, parts);
    return bytes && events.parse(parse(bytes)).map((event) => ({ ...event, data: Buffer.from(event.data) }));
  }
}

const parse = (value: Uint8Array): unknown => JSON.parse(Buffer.from(value).toString('utf8'));
