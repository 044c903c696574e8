import type { Socket } from 'node:net';
import { Connection, type EgressControl, type EgressSink, type Outgoing } from './connection.js';

/** Makes a connected socket; what it reads goes to `onData`. */
export type Connect = (onData: (chunk: Buffer) => void, done: (error: Error | null, socket: Socket | null) => void) => void;

/** How often idle connections are looked at. */
const SWEEP_MS = 5_000;

/** A request before it is known which connection carries it. */
export type Waiting = Omit<Outgoing, 'control'>;

/** One exchange: waits for a connection, then runs on it. */
class Exchange implements EgressControl, Outgoing {
  readonly head: string;
  readonly body: Buffer | undefined;
  readonly headersTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly sink: EgressSink;
  readonly control = this;
  connection: Connection | undefined;
  aborted = false;

  constructor({ head, body, headersTimeoutMs, bodyTimeoutMs, sink }: Waiting) {
    this.head = head;
    this.body = body;
    this.headersTimeoutMs = headersTimeoutMs;
    this.bodyTimeoutMs = bodyTimeoutMs;
    this.sink = sink;
  }

  pause(): void {
    this.connection?.pause(this);
  }

  resume(): void {
    this.connection?.resume(this);
  }

  abort(reason: Error): void {
    if (this.aborted) return;
    this.aborted = true;
    if (this.connection === undefined) this.sink.fail(reason);
    else this.connection.abort(this, reason);
  }
}

/** Keep-alive connections to one origin. */
export class ConnectionPool {
  readonly #connect: Connect;
  readonly #limit: number;
  readonly #open = new Set<Connection>();
  readonly #idle: Connection[] = [];
  readonly #waiting: Exchange[] = [];
  #connecting = 0;
  #sweep: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param limit most connections at a time; requests beyond that wait */
  constructor(connect: Connect, limit: number) {
    this.#connect = connect;
    this.#limit = limit;
  }

  /** Whether nothing is connected or waits to be. */
  get isEmpty(): boolean {
    return this.#open.size === 0 && this.#connecting === 0 && this.#waiting.length === 0;
  }

  /** Sends a request as soon as a connection is free. Never throws. @returns false where it waits for one */
  send(waiting: Waiting): boolean {
    const exchange = new Exchange(waiting);
    exchange.sink.start(exchange);
    if (exchange.aborted) return true;
    const connection = this.#takeIdle();
    if (connection !== undefined) {
      run(exchange, connection);
      return true;
    }
    this.#waiting.push(exchange);
    this.#grow();
    return false;
  }

  /** Cuts every connection. Idempotent. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#sweep);
    for (const exchange of this.#waiting.splice(0)) exchange.abort(new Error('the gateway is being stopped'));
    for (const connection of this.#open) connection.destroy();
  }

  /** The one that was used last: it is the least likely to be closed by its server. */
  #takeIdle(): Connection | undefined {
    const nowMs = performance.now();
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.usable(nowMs)) return connection;
      connection.destroy();
    }
    return undefined;
  }

  #grow(): void {
    if (this.#closed || this.#connecting >= this.#waiting.length || this.#open.size + this.#connecting >= this.#limit) return;
    this.#connecting += 1;
    let connection: Connection | undefined;
    this.#connect(
      (chunk) => connection?.read(chunk),
      (error, socket) => {
        this.#connecting -= 1;
        if (socket !== null && this.#closed) socket.destroy();
        else if (socket !== null) connection = this.#add(socket);
        // Who has waited longest has waited for this one.
        else this.#nextWaiting()?.sink.fail(error ?? new Error('no connection'));
        this.#grow();
      },
    );
  }

  #add(socket: Socket): Connection {
    const connection = new Connection(
      socket,
      (idle) => this.#release(idle),
      (closed) => this.#remove(closed),
    );
    this.#open.add(connection);
    this.#sweep ??= setInterval(() => this.#dropStale(), SWEEP_MS).unref();
    this.#release(connection);
    return connection;
  }

  #release(connection: Connection): void {
    const next = this.#nextWaiting();
    if (next === undefined) this.#idle.push(connection);
    else run(next, connection);
  }

  #remove(connection: Connection): void {
    this.#open.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    if (this.#open.size === 0) {
      clearInterval(this.#sweep);
      this.#sweep = undefined;
    }
    this.#grow();
  }

  #nextWaiting(): Exchange | undefined {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) if (!next.aborted) return next;
    return undefined;
  }

  #dropStale(): void {
    const nowMs = performance.now();
    for (const connection of this.#idle.filter((idle) => !idle.usable(nowMs))) connection.destroy();
  }
}

function run(exchange: Exchange, connection: Connection): void {
  exchange.connection = connection;
  connection.send(exchange);
}
