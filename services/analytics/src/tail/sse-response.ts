import type { ServerResponse } from 'node:http';

/** How long what has been written last may take to leave before the connection is cut. */
const LAST_WORDS_MS = 5_000;

/** One block of a stream of events. */
export interface SseBlock {
  readonly id?: string;
  /** Absent: `message`. */
  readonly event?: string;
  /** Without line feeds. A block without data moves the id on, and nobody is told. */
  readonly data?: string;
  readonly retryMs?: number;
}

/** Writes a block (HTML standard, "Server-sent events", "Parsing an event stream"). */
export function sseBlock({ id, event, data, retryMs }: SseBlock): string {
  const fields = [
    retryMs === undefined ? '' : `retry: ${retryMs}\n`,
    event === undefined ? '' : `event: ${event}\n`,
    id === undefined ? '' : `id: ${id}\n`,
    data === undefined ? '' : `data: ${data}\n`,
  ];
  return `${fields.join('')}\n`;
}

/** A response that goes on for as long as somebody reads it. */
export class SseResponse {
  readonly #response: ServerResponse;
  readonly #gone = new AbortController();

  constructor(response: ServerResponse) {
    this.#response = response;
    response.once('close', () => this.#gone.abort());
  }

  /** Aborts when the reader has gone. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Sends the head. Proxies are told to keep nothing back (nginx knows the last field). */
  begin(): void {
    this.#response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'x-content-type-options': 'nosniff',
      'x-accel-buffering': 'no',
    });
  }

  /**
   * Writes, and waits until there is room for more.
   * @returns false where the reader did not take what was written before in time
   */
  async write(text: string, withinMs: number): Promise<boolean> {
    if (this.#gone.signal.aborted || this.#response.write(text)) return true;
    return new Promise((resolve) => {
      const done = (inTime: boolean) => {
        clearTimeout(timer);
        this.#response.off('drain', drained).off('close', drained);
        resolve(inTime);
      };
      const drained = () => done(true);
      const timer = setTimeout(() => done(false), withinMs);
      this.#response.once('drain', drained).once('close', drained);
    });
  }

  /** Ends it with last words, which a reader that takes nothing does not get. */
  end(text: string): void {
    if (this.#gone.signal.aborted) return;
    this.#response.end(text);
    const cut = setTimeout(() => this.#response.destroy(), LAST_WORDS_MS);
    this.#response.once('close', () => clearTimeout(cut));
  }
}
