import { GrowingBytes } from './growing-bytes.js';

/** One event of a stream. */
export interface SseEvent {
  /** `message` where the stream names no other type. */
  readonly event: string;
  /** The data lines, joined by \n. May share memory with the chunk that it came in. */
  readonly data: Buffer;
  /** The id that this event set. */
  readonly id?: string;
  /** The reconnection time that this event set. */
  readonly retryMs?: number;
}

/** One event's data lines and the line at hand, together, went over the limit. */
export class SseLimitExceeded extends Error {
  override readonly name = 'SseLimitExceeded';

  constructor(readonly limitBytes: number) {
    super(`an event of the stream is larger than ${limitBytes} bytes`);
  }
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const NEW_LINE = Buffer.from('\n');
/** `event` and `retry`. */
const LONGEST_FIELD_NAME = 5;
const DIGITS = /^[0-9]+$/;

/** Reads an event stream as the WHATWG HTML standard has it (§9.2.6), over bytes: chunks may break anywhere, within characters too. */
export class SseParser {
  /** The id set last, which a client that reconnects sends as Last-Event-ID. */
  lastEventId = '';
  /** The reconnection time set last; undefined while the stream has set none. */
  retryMs: number | undefined;

  private readonly line = new GrowingBytes();
  private isFirstLine = true;
  private swallowLineFeed = false;
  private failed = false;
  private event = '';
  private id: string | undefined;
  private eventRetryMs: number | undefined;
  /** Data of the event at hand: the first line as it came; gathered from the second one on. */
  private firstData: Buffer | undefined;
  private gathered: GrowingBytes | undefined;
  /** Its data lines, field names included: lines without data are not free. */
  private dataLineBytes = 0;

  /** @param limitBytes most bytes of one event: its data lines and the line at hand */
  constructor(private readonly limitBytes: number) {}

  /**
   * Takes the stream's next bytes.
   * @returns the events that are complete now
   * @throws SseLimitExceeded when an event grows over the limit; the stream cannot be read on after that
   */
  push(chunk: Buffer): SseEvent[] {
    if (this.failed) throw new SseLimitExceeded(this.limitBytes);
    const events: SseEvent[] = [];
    let start = this.swallowLineFeed && chunk[0] === LINE_FEED ? 1 : 0;
    if (chunk.length > 0) this.swallowLineFeed = false;
    let lineFeed = chunk.indexOf(LINE_FEED, start);
    let carriageReturn = chunk.indexOf(CARRIAGE_RETURN, start);
    while (lineFeed >= 0 || carriageReturn >= 0) {
      const end = lineFeed < 0 || (carriageReturn >= 0 && carriageReturn < lineFeed) ? carriageReturn : lineFeed;
      this.takeLine(chunk.subarray(start, end), events);
      start = end + 1;
      if (end === carriageReturn) {
        if (start === chunk.length) this.swallowLineFeed = true;
        else if (chunk[start] === LINE_FEED) start += 1;
        carriageReturn = chunk.indexOf(CARRIAGE_RETURN, start);
      }
      if (lineFeed >= 0 && lineFeed < start) lineFeed = chunk.indexOf(LINE_FEED, start);
    }
    if (start < chunk.length) this.hold(chunk.subarray(start));
    return events;
  }

  private hold(piece: Buffer): void {
    this.checkLimit(this.line.length + piece.length);
    this.line.append(piece);
  }

  private checkLimit(lineBytes: number): void {
    if (this.dataLineBytes + lineBytes <= this.limitBytes) return;
    this.failed = true;
    this.line.take();
    throw new SseLimitExceeded(this.limitBytes);
  }

  private takeLine(rest: Buffer, events: SseEvent[]): void {
    let line = rest;
    if (this.line.length > 0) {
      this.hold(rest);
      line = this.line.take();
    }
    if (this.isFirstLine && line.length >= 3 && BYTE_ORDER_MARK.equals(line.subarray(0, 3))) line = line.subarray(3);
    this.isFirstLine = false;
    if (line.length > 0) this.takeField(line);
    else this.dispatch(events);
  }

  private takeField(line: Buffer): void {
    this.checkLimit(line.length);
    const colon = line.indexOf(COLON);
    if (colon === 0) return;
    const name = line.toString('latin1', 0, Math.min(colon < 0 ? line.length : colon, LONGEST_FIELD_NAME + 1));
    const valueStart = colon < 0 ? line.length : colon + (line[colon + 1] === SPACE ? 2 : 1);
    const value = line.subarray(valueStart);
    if (name === 'data') this.takeData(value, line.length);
    else if (name === 'event') this.event = value.toString('utf8');
    else if (name === 'id') this.takeId(value.toString('utf8'));
    else if (name === 'retry') this.takeRetry(value.toString('latin1'));
  }

  private takeData(value: Buffer, lineBytes: number): void {
    this.dataLineBytes += lineBytes;
    if (this.firstData === undefined) {
      this.firstData = value;
      return;
    }
    if (this.gathered === undefined) {
      this.gathered = new GrowingBytes();
      this.gathered.append(this.firstData);
    }
    this.gathered.append(NEW_LINE);
    this.gathered.append(value);
  }

  private takeId(value: string): void {
    if (value.includes('\0')) return;
    this.id = value;
    this.lastEventId = value;
  }

  private takeRetry(value: string): void {
    if (!DIGITS.test(value) || !Number.isSafeInteger(Number(value))) return;
    this.eventRetryMs = Number(value);
    this.retryMs = this.eventRetryMs;
  }

  private dispatch(events: SseEvent[]): void {
    const data = this.gathered?.take() ?? this.firstData;
    if (data !== undefined) {
      const id = this.id === undefined ? undefined : { id: this.id };
      const retry = this.eventRetryMs === undefined ? undefined : { retryMs: this.eventRetryMs };
      events.push({ event: this.event === '' ? 'message' : this.event, data, ...id, ...retry });
    }
    this.event = '';
    this.id = undefined;
    this.eventRetryMs = undefined;
    this.firstData = undefined;
    this.gathered = undefined;
    this.dataLineBytes = 0;
  }
}
