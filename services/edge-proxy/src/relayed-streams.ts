import type { MessageInitShape } from '@bufbuild/protobuf';
import { EdgeService, type ReadStreamRequest, StreamState } from '@switchyard/contracts';
import { setTimeout as pause } from 'node:timers/promises';
import { askingCaller } from './asked.js';
import type { Edge } from './edge.js';
import type { EventLog } from './event-log.js';
import { Refusal } from './refusal.js';
import type { ClientSession } from './session-store.js';

const { readStream } = EdgeService.method;

/** Longest wait of one question for what a stream says. */
const POLL_MS = 1_000;
/** How long an edge may be silent that reads a stream, beside the time that its client may take to read. */
const SILENCE_MS = 5_000;
/** Most events that are told at once, so that they fit into one message of NATS. */
const MOST_AT_ONCE = 4;

type Answer = MessageInitShape<typeof readStream.output>;

/** A connection at another edge that reads a stream of this one. */
interface Reader {
  readonly log: EventLog;
  readonly session: ClientSession;
  silence: NodeJS.Timeout | undefined;
}

/** Streams of this edge that other edges read, for clients that have come back there. */
export class RelayedStreams {
  readonly #edge: Edge;
  readonly #readers = new Map<string, Reader>();

  constructor(edge: Edge) {
    this.#edge = edge;
  }

  /** Serves the other edges. */
  serve(): Promise<void> {
    return this.#edge.peers.serve(readStream, (request) => this.#read(request));
  }

  async #read(request: ReadStreamRequest): Promise<Answer> {
    const { asked, session: id, stream, after, reader: name, leaves } = request;
    if (asked === undefined) throw new Error('another edge does not say who asks');
    // The other edge has checked it; whose stream it is, this one knows.
    const session = await this.#edge.sessions.find(id, asked.server, askingCaller(asked));
    const log = session instanceof Refusal ? undefined : session.streams.find(stream);
    if (session instanceof Refusal || log === undefined) return { state: StreamState.UNSPECIFIED };
    if (!log.isCall) return this.#handOver(session, log, after);
    const known = this.#readers.get(name);
    if (leaves) {
      if (known !== undefined) this.#detach(name, known, after);
      return { state: StreamState.OPEN };
    }
    const reader = known ?? this.#attach(name, log, session);
    this.#heard(name, reader, after);
    if (log.isReader(reader) && !log.ended && log.after(after).length === 0)
      await Promise.race([log.changed(), pause(POLL_MS, undefined, { ref: false })]);
    return log.isReader(reader) ? this.#told(log, after) : { state: StreamState.TAKEN_OVER };
  }

  /** What a session's upstreams say by themselves, the other edge hears now. */
  #handOver({ standing, streams }: ClientSession, log: EventLog, after: number): Promise<Answer> {
    if (!log.ended) standing?.close();
    streams.end(log);
    return this.#told(log, after);
  }

  async #told(log: EventLog, after: number): Promise<Answer> {
    const left = log.after(after);
    const told = left.slice(0, MOST_AT_ONCE);
    const state = log.ended && told.length === left.length ? StreamState.ENDED : StreamState.OPEN;
    const { contents } = this.#edge.peers;
    return {
      state,
      events: await Promise.all(told.map(async ({ sequence, data }) => ({ sequence, data: await contents.pack(data) }))),
    };
  }

  #attach(name: string, log: EventLog, session: ClientSession): Reader {
    const reader: Reader = { log, session, silence: undefined };
    this.#readers.set(name, reader);
    log.attach(reader, () => undefined);
    return reader;
  }

  #heard(name: string, reader: Reader, after: number): void {
    clearTimeout(reader.silence);
    const silenceMs = SILENCE_MS + this.#edge.limits.slowReaderTimeoutMs;
    reader.silence = setTimeout(() => this.#detach(name, reader, after), silenceMs).unref();
  }

  /** @param after number of the event that its client has heard last */
  #detach(name: string, reader: Reader, after: number): void {
    const { log, session } = reader;
    clearTimeout(reader.silence);
    this.#readers.delete(name);
    if (!log.isReader(reader)) return;
    log.detach(reader);
    if (log.ended && log.after(after).length > 0) session.streams.unheard(log);
  }
}
