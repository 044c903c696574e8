import type { SseParser } from '@switchyard/mcp';

/** The pause where the upstream asks for none. */
const FIRST_PAUSE_MS = 500;
/** Whatever the upstream asks for. */
const LEAST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;
/** Connections that break one after the other, with no event between them, before the stream is given up. */
const BREAKS_LIMIT = 3;
/** An id goes into a header field; what cannot is no id to come back with. */
const FIELD_SAFE_ID = /^[\x21-\x7e](?:[\x20-\x7e]{0,1022}[\x21-\x7e])?$/;

/**
 * Where a stream of an upstream's is resumed after it has ended before its time (MCP 2025-11-25, "Resumability and Redelivery"), and
 * when. Follows one stream over all its connections.
 */
export class StreamResumption {
  #lastEventId = '';
  #retryMs: number | undefined;
  #heardAt = '';
  #breaks = 0;
  #fruitless = 0;

  /** Takes from a connection that has ended what it said last. */
  follow(parser: SseParser): void {
    if (parser.lastEventId !== '') this.#lastEventId = parser.lastEventId;
    this.#retryMs = parser.retryMs ?? this.#retryMs;
    if (this.#lastEventId !== this.#heardAt) {
      this.#heardAt = this.#lastEventId;
      this.#breaks = 0;
      this.#fruitless = 0;
    }
  }

  /** The upstream does not know the id. */
  forget(): void {
    this.#lastEventId = '';
  }

  /** The id to come back with; undefined where the stream gave none. */
  get lastEventId(): string | undefined {
    return FIELD_SAFE_ID.test(this.#lastEventId) ? this.#lastEventId : undefined;
  }

  /** Whether to come back after the upstream has let go of the stream, or the connection has broken (`broken`). */
  worthwhile(broken: boolean): boolean {
    if (broken) this.#breaks += 1;
    return this.lastEventId !== undefined && this.#breaks <= BREAKS_LIMIT;
  }

  /** How long to wait first: as long as the upstream asks for, and longer each time that coming back was of no use. */
  nextPauseMs(): number {
    const growing = LEAST_PAUSE_MS * 2 ** Math.min(this.#fruitless, 10);
    this.#fruitless += 1;
    return Math.min(Math.max(this.#retryMs ?? FIRST_PAUSE_MS, growing), LONGEST_PAUSE_MS);
  }
}
