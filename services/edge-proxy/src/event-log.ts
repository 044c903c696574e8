/** An event of a stream, as it is sent again. */
export interface LoggedEvent {
  readonly sequence: number;
  readonly id: string;
  readonly data: Buffer;
}

/** How long a call goes on whose client has gone and may come back. */
export const GRACE_MS = 60_000;

/** What one stream has said, for a client that comes back to it; and whether anybody still wants what it will say. */
export class EventLog {
  readonly name: string;
  #events: LoggedEvent[] = [];
  #sequence = 0;
  #bytes = 0;
  #ended = false;
  #isCall = false;
  #reader: object | undefined;
  #letGo: (() => void) | undefined;
  #abandon: (() => void) | undefined;
  #grace: NodeJS.Timeout | undefined;
  #change: PromiseWithResolvers<void> | undefined;

  /** @param name what the ids of its events start with */
  constructor(name: string) {
    this.name = name;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#events.length;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The id from which everything is still to come. */
  get startId(): string {
    return `${this.name}.0`;
  }

  /** Keeps an event. @returns its id */
  append(data: Buffer): string {
    this.#sequence += 1;
    const id = `${this.name}.${this.#sequence}`;
    this.#events.push({ sequence: this.#sequence, id, data });
    this.#bytes += data.length;
    this.#changed();
    return id;
  }

  /** Nothing follows. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#grace);
    this.#changed();
  }

  /** Lets go of the oldest event. @returns its size */
  drop(): number {
    const bytes = this.#events.shift()?.data.length ?? 0;
    this.#bytes -= bytes;
    return bytes;
  }

  /** What followed an event, as far as it is kept. */
  after(sequence: number): LoggedEvent[] {
    return this.#events.filter((event) => event.sequence > sequence);
  }

  /** Resolves with the next event, the end, or another reader. */
  changed(): Promise<void> {
    return (this.#change ??= Promise.withResolvers<void>()).promise;
  }

  /** Makes somebody the only reader; the one before is let go, as a message goes to one connection (MCP 2025-11-25, "Multiple Connections"). */
  attach(reader: object, letGo: () => void): void {
    const before = this.#letGo;
    this.#reader = reader;
    this.#letGo = letGo;
    clearTimeout(this.#grace);
    before?.();
    this.#changed();
  }

  get isHeard(): boolean {
    return this.#reader !== undefined;
  }

  /** Whether it is a call's, which ends with the response. */
  get isCall(): boolean {
    return this.#isCall;
  }

  isReader(reader: object): boolean {
    return this.#reader === reader;
  }

  /** The reader has gone: whoever works for the stream is told to stop unless another comes in time. */
  detach(reader: object, graceMs = GRACE_MS): void {
    if (this.#reader !== reader) return;
    this.#reader = undefined;
    this.#letGo = undefined;
    if (!this.#ended) this.#grace = setTimeout(() => this.abandon(), graceMs).unref();
  }

  /** @param abandon called when nobody wants what the stream will say */
  onAbandoned(abandon: () => void): void {
    this.#isCall = true;
    this.#abandon = abandon;
  }

  abandon(): void {
    clearTimeout(this.#grace);
    const abandon = this.#abandon;
    this.#abandon = undefined;
    if (!this.#ended) abandon?.();
  }

  #changed(): void {
    this.#change?.resolve();
    this.#change = undefined;
  }
}
