import { Problem } from '@switchyard/admin-api';
import { EVENTS_STREAM, eventView, type EventJson, type TailEnd, type TailReset } from '@switchyard/contracts';
import { BusUnavailable, type Bus, type StreamExtent, type StreamMessage, type StreamReader } from '@switchyard/messaging';
import type { Clock } from '@switchyard/runtime';
import { StateUnavailable } from '@switchyard/state';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { scopeTest } from '../api/event-tests.js';
import { jsonLine } from '../api/export/printable.js';
import type { EventTest } from '../api/filter/filter-test.js';
import type { ReadScope } from '../api/read-scope.js';
import { SeenSequences } from './seen-sequences.js';
import { sseBlock, type SseResponse } from './sse-response.js';
import { writePosition, type TailPosition } from './tail-position.js';

/** What a tail shows, and to whom. */
export interface TailOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  /** Behind which it goes on; undefined: with what comes now. */
  readonly after: TailPosition | undefined;
  /** Of the events that are meant. */
  readonly test: EventTest;
  /** What the reader may see now. @throws Problem where that is not known */
  readonly scope: () => ReadScope;
  /** Whether the reader may still read at all. @throws where that is not known */
  readonly isAdmitted: () => Promise<boolean>;
  readonly response: SseResponse;
  /** Ends it. */
  readonly closing: AbortSignal;
  readonly timing: TailTiming;
}

/** How a tail waits, milliseconds. */
export interface TailTiming {
  /** Longest silence. */
  readonly heartbeatMs: number;
  /** How often it is asked whether the reader may still read. */
  readonly admissionMs: number;
  /** How long a reader may leave what is written untaken. */
  readonly patienceMs: number;
}

/** Small, because events are read in the process that stores them, and in the embedded profile in the one that serves calls. */
const READ = { messages: 64, bytes: 512 * 1024, fillMs: 50 };
/** Messages before its beginning that a tail reads the ids of, to know events that are in the stream twice. */
const LOOK_BACK = 64;
const RETRY_MS = 1_000;

interface Start {
  readonly at: TailPosition;
  readonly reset?: TailReset;
}

const RESETS = {
  position_expired:
    'Events between Last-Event-ID and the first that follows have left the stream by their age; GET /api/v1/events has them.',
  stream_replaced:
    'The stream that Last-Event-ID is of is not there any more; this goes on with the one that is. GET /api/v1/events has what was missed.',
} as const;

const ENDS = {
  slow_reader:
    'The events were not read as fast as they come. Read faster or ask for less; Last-Event-ID goes on where this ends.',
  no_longer_admitted:
    'The credentials that this was opened with have expired, or were revoked. Last-Event-ID goes on with others.',
  unavailable: 'Something that this needs cannot be reached at the moment. Last-Event-ID goes on where this ends.',
  closing: 'This part of the gateway is stopping. Last-Event-ID goes on where this ends.',
} as const;

const resetOf = (reason: keyof typeof RESETS): TailReset => ({ reason, detail: RESETS[reason] });

/** Where a tail begins, and what is told where that is not where it should go on. */
export function startOf(after: TailPosition | undefined, { incarnation, first, last }: StreamExtent): Start {
  const now = { incarnation, sequence: last };
  const oldest = { incarnation, sequence: Math.max(0, first - 1) };
  if (after === undefined) return { at: now };
  if (after.incarnation !== incarnation) return { at: oldest, reset: resetOf('stream_replaced') };
  if (after.sequence > last) return { at: now, reset: resetOf('stream_replaced') };
  const needed = after.line === undefined ? after.sequence + 1 : after.sequence;
  return first <= needed ? { at: after } : { at: oldest, reset: resetOf('position_expired') };
}

/** Shows somebody the events of the stream as they come. */
export class Tail {
  readonly #o: TailOptions;
  readonly #seen = new SeenSequences();
  #at: TailPosition;
  #wroteAtMs: number;
  #admittedAtMs: number;

  private constructor(o: TailOptions, at: TailPosition) {
    this.#o = o;
    this.#at = at;
    this.#wroteAtMs = this.#admittedAtMs = o.clock.now();
  }

  /**
   * Runs until the reader goes, or has to.
   * @throws BusUnavailable, Problem before anything was sent
   */
  static async run(o: TailOptions): Promise<void> {
    o.scope();
    const { at, reset } = startOf(o.after, await o.bus.extent(EVENTS_STREAM));
    // A position within a message says nothing of the rest of it.
    const behind = at.line === undefined ? at.sequence : at.sequence - 1;
    const reader = await o.bus.read(EVENTS_STREAM, Math.max(0, behind - LOOK_BACK));
    const tail = new Tail(o, at);
    try {
      o.response.begin();
      const head = { id: writePosition(at), retryMs: RETRY_MS };
      await tail.#write(sseBlock(reset === undefined ? head : { ...head, event: 'reset', data: JSON.stringify(reset) }));
      const end = await tail.#follow(reader, behind);
      o.response.end(sseBlock({ event: 'end', data: JSON.stringify(end) }));
    } finally {
      await reader.close();
    }
  }

  async #follow(reader: StreamReader, behind: number): Promise<TailEnd> {
    const { response, closing, timing } = this.#o;
    const stop = AbortSignal.any([response.gone, closing]);
    let last = behind;
    try {
      while (!stop.aborted) {
        const wakeMs = Math.min(timing.heartbeatMs, timing.admissionMs);
        const messages = await reader.next({ ...READ, signal: AbortSignal.any([stop, AbortSignal.timeout(wakeMs)]) });
        if (!(await this.#isAdmitted())) return endOf('no_longer_admitted');
        const blocks = this.#blocksOf(messages, last);
        last = Math.max(last, Number(messages.at(-1)?.sequence ?? 0));
        if (!(await this.#write(blocks || this.#heartbeat()))) return endOf('slow_reader');
        await nextTurn();
      }
      return endOf('closing');
    } catch (error) {
      if (error instanceof BusUnavailable || error instanceof StateUnavailable || error instanceof Problem)
        return endOf('unavailable');
      throw error;
    }
  }

  /** @param last position of the message before @returns what is written of some messages; moves the position on */
  #blocksOf(messages: readonly StreamMessage[], last: number): string {
    const { test, scope } = this.#o;
    const mayRead = scopeTest(scope());
    let before = last;
    let blocks = '';
    for (const message of messages) {
      const sequence = Number(message.sequence);
      const fresh = this.#seen.take(message.messageId);
      if (sequence <= last) continue;
      if (sequence > before + 1) blocks += this.#missed(sequence);
      before = sequence;
      const from = this.#at.sequence === sequence ? (this.#at.line ?? 0) : 0;
      linesOf(message).forEach((line, index) => {
        const event = index < from ? undefined : eventOf(line);
        if (event === undefined || !test(event) || !mayRead(event)) return;
        const own = Number(event.sequence ?? 0);
        if (fresh !== undefined && !fresh.some((range) => range.first <= own && own <= range.last)) return;
        const shown = eventView.safeParse(event);
        if (!shown.success) return;
        const id = writePosition({ incarnation: this.#at.incarnation, sequence, line: index + 1 });
        blocks += sseBlock({ id, data: jsonLine(shown.data).trimEnd() });
      });
      this.#at = { incarnation: this.#at.incarnation, sequence };
    }
    return blocks;
  }

  #missed(sequence: number): string {
    const id = writePosition({ incarnation: this.#at.incarnation, sequence: sequence - 1 });
    return sseBlock({ id, event: 'reset', data: JSON.stringify(resetOf('position_expired')) });
  }

  /** Keeps the connection, and moves on the position of who sees nothing: theirs must not leave the stream meanwhile. */
  #heartbeat(): string {
    const { clock, timing } = this.#o;
    return clock.now() - this.#wroteAtMs < timing.heartbeatMs ? '' : sseBlock({ id: writePosition(this.#at) });
  }

  async #write(text: string): Promise<boolean> {
    if (text === '') return true;
    const { response, clock, timing } = this.#o;
    this.#wroteAtMs = clock.now();
    return response.write(text, timing.patienceMs);
  }

  async #isAdmitted(): Promise<boolean> {
    const { clock, timing, isAdmitted } = this.#o;
    if (clock.now() - this.#admittedAtMs < timing.admissionMs) return true;
    this.#admittedAtMs = clock.now();
    return isAdmitted();
  }
}

const endOf = (reason: keyof typeof ENDS): TailEnd => ({ reason, detail: ENDS[reason] });

const linesOf = ({ data }: StreamMessage) =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8').split('\n');

/** Lines that are no events are left out: ingestion keeps them apart, and says so in an event. */
function eventOf(line: string): EventJson | undefined {
  try {
    const value = JSON.parse(line) as EventJson | null;
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
