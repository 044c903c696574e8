import type { StreamMessage } from './bus.js';

/** What is read at once. */
export interface ReadLimits {
  readonly messages: number;
  readonly bytes: number;
  /** How long what is read may fill, from its first message on. */
  readonly fillMs: number;
  /** Ends the wait; what came so far is returned. */
  readonly signal: AbortSignal;
}

/** Reads one stream from a position on, in the order of the stream, and acknowledges nothing: whoever reads keeps their own position. */
export interface StreamReader {
  /**
   * The next messages, and at least one where one is there, however large. Waits for a first one, half a minute or so.
   * A jump of `sequence` means that what lay between has left the stream by its age.
   * @returns empty where none came in time
   * @throws BusUnavailable reading on is right
   */
  next(limits: ReadLimits): Promise<readonly StreamMessage[]>;
  /** Idempotent. */
  close(): Promise<void>;
}
