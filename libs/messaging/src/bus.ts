import type { StreamDefinition } from '@switchyard/contracts';
import type { StreamReader } from './stream-reader.js';

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
  /**
   * Most batches that are handled at the same time, 1 unless told. Another one is only begun behind a full one. With more than 1, batches may
   * end in another order than they came in.
   */
  readonly batchesAtOnce?: number;
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

/** What a stream holds now. */
export interface StreamExtent {
  /** Letters and digits that differ from those of every stream that was here before: positions are of one of them. */
  readonly incarnation: string;
  /** Position of the oldest message; where there is none, of the next one. */
  readonly first: number;
  /** Position of the newest message; 0 where there never was one. */
  readonly last: number;
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
  /**
   * Has a stream kept as its definition says, so that it can be read again. JetStream does that anyway; in process it costs a write for
   * each message, so that it is done only where it is asked for. Over restarts too; equal calls are one.
   * @param by who needs it: it is kept for as long as anybody does
   * @throws BusUnavailable
   */
  retain(stream: StreamDefinition, by?: string): Promise<void>;
  /** Takes `retain` back. What JetStream keeps, it keeps. */
  release(stream: StreamDefinition, by?: string): Promise<void>;
  /** Position of the newest message of a stream that is kept; 0 where there never was one. @throws StreamNotKept; BusUnavailable */
  lastSequence(stream: StreamDefinition): Promise<number>;
  /** What a stream that is kept holds now. @throws BusUnavailable */
  extent(stream: StreamDefinition): Promise<StreamExtent>;
  /** How many messages a durable consumer has yet to handle. @throws BusUnavailable, also where there is no such consumer */
  waiting(stream: StreamDefinition, durable: string): Promise<number>;
  /**
   * Reads a stream that is kept.
   * @param after position behind which reading begins; 0 for everything that is there
   * @throws StreamNotKept; BusUnavailable
   */
  read(stream: StreamDefinition, after: number): Promise<StreamReader>;
  /** Whether messages can be published now. */
  ready(): Promise<boolean>;
  /** Drains and disconnects. Idempotent. */
  close(): Promise<void>;
}

/** The bus could not take or give a message now. */
export class BusUnavailable extends Error {
  override readonly name: string = 'BusUnavailable';
}

/** The stream is not kept, so that there is nothing to read again: `retain` would have had it kept. */
export class StreamNotKept extends BusUnavailable {
  override readonly name = 'StreamNotKept';
}
