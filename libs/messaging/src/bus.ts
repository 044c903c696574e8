import type { StreamDefinition } from '@switchyard/contracts';

/** A message read from a stream. */
export interface StreamMessage {
  readonly subject: string;
  /** Deduplication id that the publisher gave it. */
  readonly messageId: string;
  /** Position in the stream, decimal text. */
  readonly sequence: string;
  readonly data: Uint8Array;
}

/** How a durable consumer reads. */
export interface ConsumeOptions {
  readonly stream: StreamDefinition;
  /** Name of the durable consumer; its position survives restarts. */
  readonly durable: string;
  /** Most messages handed over at once. */
  readonly batchMessages: number;
  /** Most bytes handed over at once. */
  readonly batchBytes: number;
  /** Longest wait for a batch to fill. */
  readonly batchWaitMs: number;
  /** Handles a batch. Returns: all are acknowledged. Throws: all are delivered again, after a pause that grows. */
  readonly handle: (messages: readonly StreamMessage[]) => Promise<void>;
  /** Told of every failed batch, before the pause. */
  readonly onError: (error: unknown) => void;
}

/** A running consumer. */
export interface Consumption {
  /** Stops reading and resolves when the batch in hand is done. Idempotent. */
  close(): Promise<void>;
}

/** Durable streams between services. Two adapters: NatsBus (JetStream) and LocalBus (in process). */
export interface Bus {
  /**
   * Publishes one message.
   * @param messageId equal ids within the stream's duplicate window are stored once
   * @returns when the message is safe: stored by JetStream, or, in process, handled by every consumer
   * @throws BusUnavailable when it could not be made safe; publishing it again under the same id is right
   */
  publish(stream: StreamDefinition, subject: string, messageId: string, data: Uint8Array): Promise<void>;
  /** Starts a durable consumer. */
  consume(options: ConsumeOptions): Promise<Consumption>;
  /** Whether messages can be published now. */
  ready(): Promise<boolean>;
  /** Drains and disconnects. Idempotent. */
  close(): Promise<void>;
}

/** The bus could not take or give a message now. */
export class BusUnavailable extends Error {
  override readonly name = 'BusUnavailable';
}
