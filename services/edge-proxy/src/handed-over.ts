import type { KvStore } from '@switchyard/state';
import * as z from 'zod';
import type { LoggedEvent } from './event-log.js';
import { leaveIndex, leaveParts, takeParts } from './left-parts.js';

const index = z.object({ parts: z.int().nonnegative() });
const events = z.array(z.object({ sequence: z.int(), id: z.string(), data: z.string() }));

/**
 * Streams that ended after their client had gone, where every edge can take them up: a client that comes back may reach any edge, and the
 * edge that has its call cannot know which (MCP 2025-11-25, "Resumability and Redelivery").
 */
export class HandedOver {
  readonly #kv: KvStore;
  readonly #leaving = new Set<Promise<void>>();

  constructor(kv: KvStore) {
    this.#kv = kv;
  }

  /** Leaves the events of a stream that has ended. */
  async leave(stream: string, log: readonly LoggedEvent[]): Promise<void> {
    const leaving = this.#leave(stream, log);
    this.#leaving.add(leaving);
    await leaving.finally(() => this.#leaving.delete(leaving));
  }

  async #leave(stream: string, log: readonly LoggedEvent[]): Promise<void> {
    const plain = log.map(({ sequence, id, data }) => ({ sequence, id, data: data.toString('utf8') }));
    const parts = await leaveParts(this.#kv, stream, Buffer.from(JSON.stringify(plain)));
    await leaveIndex(this.#kv, stream, Buffer.from(JSON.stringify({ parts })));
  }

  /** The events that another edge has left; undefined where it has left none. */
  async take(stream: string): Promise<LoggedEvent[] | undefined> {
    const entry = await this.#kv.get(stream);
    return entry && this.#read(stream, index.parse(parse(entry.value)).parts);
  }

  /** Resolves when what is being left can be taken. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#leaving);
  }

  async #read(stream: string, parts: number): Promise<LoggedEvent[] | undefined> {
    const bytes = await takeParts(this.#kv, stream, parts);
    return bytes && events.parse(parse(bytes)).map((event) => ({ ...event, data: Buffer.from(event.data) }));
  }
}

const parse = (value: Uint8Array): unknown => JSON.parse(Buffer.from(value).toString('utf8'));
