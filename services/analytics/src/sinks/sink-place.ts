import type { KvStore } from '@switchyard/state';
import { z } from 'zod';
import type { Expected } from './in-order.js';
import { replayedSink } from './replay.js';

/** How far a sink is: everything up to there was delivered, or is a dead letter. */
export interface Place {
  /** Position in the stream. */
  readonly sequence: number;
  /** As `InOrder.expected` has it. */
  readonly expected: Readonly<Record<string, Expected>>;
  /** Up to where was read for what is being delivered, by sinks that gather: the same is gathered again after a restart. */
  readonly until?: number | undefined;
  /** Everything that the stream had at this time has been delivered, milliseconds since 1970; absent where none is known. */
  readonly throughMs?: number | undefined;
}

const placeSchema = z.object({
  sequence: z.number(),
  expected: z.record(z.string(), z.object({ epoch: z.number(), next: z.number() })),
  until: z.number().optional(),
  throughMs: z.number().optional(),
});

const key = (sink: string) => `place/${sink}`;

/** Another replica has moved the place on: whoever finds out stops. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken';
}

/** The place of one sink, in the state that all replicas share. */
export class SinkPlace {
  readonly #kv: KvStore;
  readonly #key: string;
  #revision: number | undefined;

  constructor(kv: KvStore, sink: string) {
    this.#kv = kv;
    this.#key = key(sink);
  }

  /** @throws StateUnavailable */
  async load(): Promise<Place | undefined> {
    const entry = await this.#kv.get(this.#key);
    this.#revision = entry?.revision;
    return entry && placeSchema.parse(JSON.parse(Buffer.from(entry.value).toString('utf8')));
  }

  /** @throws Overtaken; StateUnavailable */
  async save(place: Place): Promise<void> {
    const value = Buffer.from(JSON.stringify(place));
    const saved =
      this.#revision === undefined
        ? await this.#kv.create(this.#key, value)
        : await this.#kv.update(this.#key, value, this.#revision);
    if (!saved.ok) throw new Overtaken(`${this.#key} was moved by another`);
    this.#revision = saved.revision;
  }
}

/** Forgets where sinks were, and what they were to be sent again, that are not configured any more. @throws StateUnavailable */
export async function forgetPlaces(kv: KvStore, isConfigured: (sink: string) => boolean): Promise<void> {
  const sinkOf = (one: string) => (one.startsWith(key('')) ? one.slice(key('').length) : replayedSink(one));
  const gone = (await kv.keys()).filter((one) => {
    const sink = sinkOf(one);
    return sink !== undefined && !isConfigured(sink);
  });
  await Promise.all(gone.map((one) => kv.delete(one)));
}
