import type { StreamDefinition } from '@switchyard/contracts';
import { BusUnavailable, type StreamMessage } from './bus.js';
import { DurableQueue } from './durable-queue.js';

/** What is remembered of a message for as long as its id is: not the message itself. */
interface Published {
  readonly bytes: number;
  /** Settles when every durable consumer has handled it. */
  readonly handled: PromiseWithResolvers<void>;
  waitsFor: number;
  handledAt: number | undefined;
}

/** One stream in process: keeps what its durable consumers have yet to handle, and the ids of what they handled. */
export class LocalStream {
  readonly #definition: StreamDefinition;
  readonly #durables = new Map<string, DurableQueue>();
  /** By message id, oldest first. */
  readonly #published = new Map<string, Published>();
  /** What came before there was any consumer. */
  readonly #early: { readonly message: StreamMessage; readonly published: Published }[] = [];
  #pendingBytes = 0;
  #lastSequence = 0;

  constructor(definition: StreamDefinition) {
    this.#definition = definition;
  }

  /**
   * @returns settles when every durable consumer has handled the message, or the message with the same id before it
   * @throws BusUnavailable when the stream is full
   */
  publish(subject: string, messageId: string, data: Uint8Array): Promise<void> {
    this.#forgetOldIds();
    const known = this.#published.get(messageId);
    if (known) return known.handled.promise;
    if (this.#pendingBytes + data.length > this.#definition.limitBytes)
      throw new BusUnavailable(`${this.#definition.name} is full`);
    this.#lastSequence += 1;
    const message = { subject, messageId, data, sequence: String(this.#lastSequence) };
    const published: Published = {
      bytes: data.length,
      handled: Promise.withResolvers<void>(),
      waitsFor: this.#durables.size,
      handledAt: undefined,
    };
    this.#published.set(messageId, published);
    this.#pendingBytes += data.length;
    if (this.#durables.size === 0) this.#early.push({ message, published });
    else this.#durables.forEach((queue) => this.#enqueue(queue, message, published));
    return published.handled.promise;
  }

  /** The queue of a durable consumer; the stream's first consumer gets what was published before it came. */
  durable(name: string): DurableQueue {
    const known = this.#durables.get(name);
    if (known) return known;
    const queue = new DurableQueue();
    this.#durables.set(name, queue);
    for (const { message, published } of this.#early.splice(0)) {
      published.waitsFor = 1;
      this.#enqueue(queue, message, published);
    }
    return queue;
  }

  /** How many messages a durable consumer has yet to be handed; undefined where there is none of the name. */
  waiting(name: string): number | undefined {
    return this.#durables.get(name)?.length;
  }

  #enqueue(queue: DurableQueue, message: StreamMessage, published: Published): void {
    queue.push({ message, done: () => this.#handledByOne(published) });
  }

  #handledByOne(published: Published): void {
    published.waitsFor -= 1;
    if (published.waitsFor > 0) return;
    published.handledAt = performance.now();
    this.#pendingBytes -= published.bytes;
    published.handled.resolve();
  }

  #forgetOldIds(): void {
    const horizon = performance.now() - this.#definition.duplicateWindowMs;
    for (const [messageId, { handledAt }] of this.#published) {
      if (handledAt === undefined || handledAt > horizon) return;
      this.#published.delete(messageId);
    }
  }
}
