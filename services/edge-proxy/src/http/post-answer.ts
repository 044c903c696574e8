import { EventEmitter } from 'node:events';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { NO_FIELDS, withField } from '@switchyard/egress';
import type { Answer } from './answer.js';

/** Up to this size, copying is cheaper than a second buffer in the system call. */
const ONE_WRITE_BYTES = 16 * 1024;
const LAST_CHUNK = '0\r\n\r\n';

/** The answer to a message that was read without node:http: with a length where that is said, else in chunks (RFC 9112 §7.1). */
export class PostAnswer extends EventEmitter implements Answer {
  readonly #socket: Socket;
  readonly #onWritten: () => void;
  /** What is still to go out before anything else. */
  #head = '';
  #chunked = false;
  #onTimeout: (() => void) | undefined;
  /** Whether the connection may carry another exchange. */
  keepsAlive: boolean;
  headersSent = false;
  writableEnded = false;
  writableFinished = false;
  closed = false;

  /** @param onWritten told once, when all of it is with the kernel @param keepsAlive whether the connection is to stand */
  constructor(socket: Socket, keepsAlive: boolean, onWritten: () => void) {
    super();
    this.#socket = socket;
    this.#onWritten = onWritten;
    this.keepsAlive = keepsAlive;
  }

  get destroyed(): boolean {
    return this.closed || this.#socket.destroyed;
  }

  get writableLength(): number {
    return this.closed ? 0 : this.#socket.writableLength;
  }

  get writableNeedDrain(): boolean {
    return !this.closed && this.#socket.writableNeedDrain;
  }

  /** Says status and header fields; they go out with what follows. @throws TypeError for a field that could end early and begin another */
  writeHead(status: number, headers: Readonly<Record<string, string | number>>): void {
    if (this.headersSent) throw new Error('the header section has been sent');
    this.headersSent = true;
    this.#chunked = headers['content-length'] === undefined;
    if (headers.connection === 'close') this.keepsAlive = false;
    let lines = NO_FIELDS;
    for (const name in headers) if (name !== 'connection') lines = withField(lines, name, String(headers[name]));
    const framing = this.#chunked ? 'transfer-encoding: chunked\r\n' : '';
    const connection = this.keepsAlive ? 'keep-alive' : 'close';
    this.#head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines}date: ${httpDate()}\r\nconnection: ${connection}\r\n${framing}\r\n`;
  }

  /** Sends the header section without waiting for what follows. */
  flushHeaders(): void {
    if (this.#head !== '' && !this.destroyed) this.#socket.write(this.#takeHead(), 'latin1');
  }

  /** Sends a part of the body. @returns whether there is room for more */
  write(bytes: Buffer): boolean {
    if (this.destroyed || this.writableEnded) return false;
    if (bytes.length === 0) return true;
    return this.#send(bytes, '');
  }

  /** Sends the last part, where there is one, and ends. */
  end(part?: Buffer | string, _encoding?: 'latin1'): void {
    if (this.writableEnded) return;
    this.writableEnded = true;
    if (this.destroyed) return;
    const last = this.#chunked ? LAST_CHUNK : '';
    if (part === undefined || part.length === 0) this.#socket.write(this.#takeHead() + last, 'latin1', this.#onWritten);
    else this.#send(part, last, this.#onWritten);
  }

  /** Cuts the connection, as long as it carries this. */
  destroy(): void {
    if (!this.closed) this.#socket.destroy();
  }

  /** Calls back when a client has taken nothing for so long. */
  setTimeout(timeoutMs: number, onTimeout: () => void): void {
    if (this.closed) return;
    this.#onTimeout = onTimeout;
    this.#socket.setTimeout(timeoutMs, onTimeout);
  }

  /** Its connection has closed, or carries something else from now on. */
  close(isWhole: boolean): void {
    if (this.closed) return;
    this.writableFinished = isWhole;
    this.closed = true;
    if (this.#onTimeout !== undefined) this.#socket.setTimeout(0, this.#onTimeout);
    this.emit('close');
  }

  #takeHead(): string {
    const head = this.#head;
    this.#head = '';
    return head;
  }

  #send(part: Buffer | string, last: string, onWritten?: () => void): boolean {
    const before = this.#takeHead() + (this.#chunked ? `${part.length.toString(16)}\r\n` : '');
    const behind = this.#chunked ? `\r\n${last}` : last;
    if (typeof part === 'string') return this.#socket.write(before + part + behind, 'latin1', onWritten);
    if (part.length <= ONE_WRITE_BYTES) return this.#socket.write(before + part.toString('latin1') + behind, 'latin1', onWritten);
    this.#socket.cork();
    if (before !== '') this.#socket.write(before, 'latin1');
    const hasRoom = this.#socket.write(part, behind === '' ? onWritten : undefined);
    if (behind !== '') this.#socket.write(behind, 'latin1', onWritten);
    this.#socket.uncork();
    return hasRoom;
  }
}

let dateText = '';
let dateSecond = 0;

/** RFC 9110 §6.6.1; rendered once a second. */
function httpDate(): string {
  const second = Math.floor(Date.now() / 1_000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(second * 1_000).toUTCString();
  }
  return dateText;
}
