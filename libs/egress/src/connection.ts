import type { Socket } from 'node:net';
import { InvalidResponse, ResponseParser, type ResponseHeaders, type ResponseSink } from './response-parser.js';

/** Nothing was heard for as long as the caller would wait. */
export class ResponseTimeout extends Error {
  override readonly name = 'ResponseTimeout';
  readonly code = 'RESPONSE_TIMEOUT';
}

/** The server has closed the connection. */
export class ConnectionClosed extends Error {
  override readonly name = 'ConnectionClosed';
  readonly code = 'CONNECTION_CLOSED';
}

/** Control over an exchange that is under way. */
export interface EgressControl {
  /** Stops reading until `resume`; what has been read already still comes. */
  pause(): void;
  resume(): void;
  /** Gives the exchange up; its sink is told the reason as its failure. Does nothing where it has ended. */
  abort(reason: Error): void;
}

/** Receives a response as it arrives. Exactly one of `end` and `fail` is called, last. */
export interface EgressSink {
  /** Called once, first; the request may still wait for a connection. */
  start(control: EgressControl): void;
  head(status: number, headers: ResponseHeaders, control: EgressControl): void;
  data(chunk: Buffer, control: EgressControl): void;
  end(): void;
  fail(error: Error): void;
}

/** What is sent over a connection, and who hears of the answer. */
export interface Outgoing {
  /** Request line and header section, each line with its CR LF, as Latin-1. */
  readonly head: string;
  readonly body: Buffer | undefined;
  /** Longest wait for the response's header section; 0 waits for ever. */
  readonly headersTimeoutMs: number;
  /** Longest silence within the response's body; 0 waits for ever. */
  readonly bodyTimeoutMs: number;
  readonly control: EgressControl;
  readonly sink: EgressSink;
}

/** Up to this size, copying is cheaper than a second buffer in the system call. */
const ONE_WRITE_BYTES = 16 * 1024;
/** How long an idle connection is kept where its server does not say. */
const IDLE_MS = 30_000;
/** A server may close a connection at the moment at which we use it again, so we stop earlier than it says. */
const IDLE_MARGIN_MS = 1_000;

/** One connection to a server; carries one exchange at a time. */
export class Connection implements ResponseSink {
  readonly #socket: Socket;
  readonly #onIdle: (connection: Connection) => void;
  readonly #parser = new ResponseParser(this);
  #outgoing: Outgoing | undefined;
  #idleMs = IDLE_MS;
  #idleUntilMs = performance.now() + IDLE_MS;

  /**
   * @param socket connected
   * @param onIdle told when it may carry another exchange
   * @param onClosed told once, when it has ended
   */
  constructor(socket: Socket, onIdle: (connection: Connection) => void, onClosed: (connection: Connection) => void) {
    this.#socket = socket;
    this.#onIdle = onIdle;
    socket.on('end', () => this.#ended());
    socket.on('error', (error) => this.#fail(error));
    socket.on('timeout', () => this.#silent());
    socket.on('close', () => {
      this.#fail(new ConnectionClosed('the connection was closed'));
      onClosed(this);
    });
  }

  /** Whether it can still be used. @param nowMs on the monotonic clock */
  usable(nowMs: number): boolean {
    return !this.#socket.destroyed && this.#socket.writable && this.#idleUntilMs > nowMs;
  }

  /** Sends a request; call only while idle. */
  send(outgoing: Outgoing): void {
    this.#outgoing = outgoing;
    this.#parser.expect();
    this.#allowSilence(outgoing.headersTimeoutMs);
    writeSoon(this);
  }

  /** Writes what `send` was given, where it has not been given up since. */
  write(): void {
    if (this.#outgoing === undefined) return;
    const { head, body } = this.#outgoing;
    if (body === undefined || body.length === 0) this.#socket.write(head, 'latin1');
    else if (body.length <= ONE_WRITE_BYTES) this.#socket.write(head + body.toString('latin1'), 'latin1');
    else {
      this.#socket.cork();
      this.#socket.write(head, 'latin1');
      this.#socket.write(body);
      this.#socket.uncork();
    }
  }

  /** Stops reading, where this is what is under way. */
  pause(outgoing: Outgoing): void {
    if (this.#outgoing === outgoing) this.#socket.pause();
  }

  /** Reads on, where this is what is under way. */
  resume(outgoing: Outgoing): void {
    if (this.#outgoing === outgoing) this.#socket.resume();
  }

  /** Gives it up, where this is what is under way. */
  abort(outgoing: Outgoing, reason: Error): void {
    if (this.#outgoing === outgoing) this.#fail(reason);
  }

  /** Ends it. */
  destroy(): void {
    this.#socket.destroy();
  }

  head(status: number, headers: ResponseHeaders): void {
    const outgoing = this.#outgoing;
    if (outgoing === undefined) return;
    this.#allowSilence(outgoing.bodyTimeoutMs);
    this.#idleMs = idleMs(headers['keep-alive']);
    outgoing.sink.head(status, headers, outgoing.control);
  }

  data(chunk: Buffer): void {
    this.#outgoing?.sink.data(chunk, this.#outgoing.control);
  }

  end(reusable: boolean): void {
    const outgoing = this.#outgoing;
    if (outgoing === undefined) return;
    this.#outgoing = undefined;
    // A request that is not out yet would run into the next one.
    if (reusable && this.#idleMs > 0 && this.#socket.writableLength === 0) {
      this.#idleUntilMs = performance.now() + this.#idleMs;
      if (this.#socket.isPaused()) this.#socket.resume();
      this.#onIdle(this);
    } else this.#socket.destroy();
    outgoing.sink.end();
  }

  /** Takes bytes that the socket has read. */
  read(chunk: Buffer): void {
    try {
      this.#parser.push(chunk);
    } catch (error) {
      if (!(error instanceof InvalidResponse)) throw error;
      this.#fail(error);
    }
  }

  #ended(): void {
    if (this.#outgoing === undefined) return this.destroy();
    try {
      if (!this.#parser.finish()) this.#fail(new ConnectionClosed('the connection was closed before the response was whole'));
    } catch (error) {
      if (!(error instanceof InvalidResponse)) throw error;
      this.#fail(error);
    }
  }

  /** Where reading is paused, it is the caller who is silent. */
  #silent(): void {
    if (this.#outgoing !== undefined && !this.#socket.isPaused()) this.#fail(new ResponseTimeout('nothing was heard in time'));
  }

  #fail(error: Error): void {
    const outgoing = this.#outgoing;
    this.#outgoing = undefined;
    this.#socket.destroy();
    outgoing?.sink.fail(error);
  }

  #allowSilence(ms: number): void {
    if ((this.#socket.timeout ?? 0) !== ms) this.#socket.setTimeout(ms);
  }
}

const toWrite: Connection[] = [];

/**
 * Requests of one turn of the event loop go out together. Each write may have to wake a sleeping peer, which costs more than the write
 * itself; the second of two in a row finds it awake.
 */
function writeSoon(connection: Connection): void {
  if (toWrite.push(connection) === 1) setImmediate(writeAll);
}

function writeAll(): void {
  for (const connection of toWrite.splice(0)) connection.write();
}

/** `Keep-Alive: timeout=5` (RFC 2068 §19.7.1.1, still what servers say). */
function idleMs(keepAlive: string | string[] | undefined): number {
  if (keepAlive === undefined) return IDLE_MS;
  const seconds = /timeout=(\d{1,9})/i.exec(String(keepAlive))?.[1];
  return seconds === undefined ? IDLE_MS : Math.min(IDLE_MS, Number(seconds) * 1000 - IDLE_MARGIN_MS);
}
