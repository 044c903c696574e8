import { FIELD_NAME, FIELD_VALUE } from './field-lines.js';

/** Bytes that are not an HTTP/1.1 response, or one that parsers could disagree about. */
export class InvalidResponse extends Error {
  override readonly name = 'InvalidResponse';
  readonly code = 'INVALID_RESPONSE';
}

/** Header fields by name in lower case; several values where a field stands several times. */
export type ResponseHeaders = Record<string, string | string[] | undefined>;

/** Told what a parser finds, in order: `head`, any number of `data`, `end`. */
export interface ResponseSink {
  head(status: number, headers: ResponseHeaders): void;
  data(chunk: Buffer): void;
  /** @param reusable whether the connection may carry another exchange */
  end(reusable: boolean): void;
}

const HEAD_LIMIT_BYTES = 64 * 1024;
const LINE_LIMIT_BYTES = 4 * 1024;

const START = 'HTTP/1.';
const HEAD_END = '\r\n\r\n';
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const LENGTH = /^\d{1,15}$/;
const CHUNK_SIZE = /^([0-9A-Fa-f]{1,12})[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/;

interface Head {
  /** As it came, with the empty line at its end. */
  readonly bytes: Buffer;
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly keepAlive: boolean;
  /** Length of the body; `chunked`; or until the connection closes. */
  readonly framing: number | 'chunked' | 'close';
}

type State = 'head' | 'fixed' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailer' | 'until-close' | 'done';

/**
 * Reads HTTP/1.1 responses to GET, POST and DELETE from a connection, one after the other (RFC 9112). Strict where leniency lets two
 * parsers see different messages: line ends, framing fields, field names.
 */
export class ResponseParser {
  readonly #sink: ResponseSink;
  #state: State = 'done';
  #buffered: Buffer | undefined;
  #left = 0;
  #keepAlive = false;
  /** Servers answer with the same header section again and again; reading it once is enough. */
  #lastHead: Head | undefined;

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  /** A request is about to be sent: what comes next is its response. */
  expect(): void {
    this.#state = 'head';
    this.#buffered = undefined;
  }

  /** Takes bytes. @throws InvalidResponse, also for bytes that no request asked for */
  push(chunk: Buffer): void {
    let rest: Buffer | undefined = this.#buffered === undefined ? chunk : Buffer.concat([this.#buffered, chunk]);
    this.#buffered = undefined;
    while (rest !== undefined && rest.length > 0) rest = this.#step(rest);
  }

  /**
   * The peer has sent its last byte.
   * @returns whether the response is whole
   * @throws InvalidResponse where what came is not even the beginning of one
   */
  finish(): boolean {
    if (this.#state === 'head' && this.#buffered !== undefined) throw new InvalidResponse('the header section has no end');
    if (this.#state !== 'until-close') return false;
    this.#end(false);
    return true;
  }

  #step(bytes: Buffer): Buffer | undefined {
    switch (this.#state) {
      case 'head':
        return this.#head(bytes);
      case 'fixed':
      case 'chunk-data':
        return this.#body(bytes);
      case 'chunk-size':
        return this.#line(bytes, this.#chunkSize);
      case 'chunk-end':
        return this.#line(bytes, this.#chunkEnd);
      case 'trailer':
        return this.#line(bytes, this.#trailer);
      case 'until-close':
        this.#sink.data(bytes);
        return undefined;
      case 'done':
        throw new InvalidResponse('more bytes came than the response has');
    }
  }

  #head(bytes: Buffer): Buffer | undefined {
    if (this.#lastHead?.bytes.equals(bytes.subarray(0, this.#lastHead.bytes.length)) === true)
      return this.#begin(this.#lastHead, bytes.subarray(this.#lastHead.bytes.length));
    const end = bytes.indexOf(HEAD_END);
    if ((end < 0 ? bytes.length : end) > HEAD_LIMIT_BYTES) throw new InvalidResponse('the header section is too long');
    if (end < 0) {
      const start = bytes.toString('latin1', 0, START.length);
      if (!START.startsWith(start)) throw new InvalidResponse('the status line is not one of HTTP/1.1');
      this.#buffered = bytes;
      return undefined;
    }
    const headEnd = end + HEAD_END.length;
    this.#lastHead = readHead(bytes.subarray(0, headEnd));
    return this.#begin(this.#lastHead, bytes.subarray(headEnd));
  }

  #begin(head: Head, rest: Buffer): Buffer {
    // Interim responses precede the one that counts (RFC 9110 §15.2).
    if (head.status < 200) return rest;
    this.#keepAlive = head.keepAlive;
    this.#left = typeof head.framing === 'number' ? head.framing : 0;
    this.#state = head.framing === 'chunked' ? 'chunk-size' : head.framing === 'close' ? 'until-close' : 'fixed';
    this.#sink.head(head.status, head.headers);
    if (this.#state === 'fixed' && this.#left === 0) this.#end(rest.length === 0);
    return rest;
  }

  #body(bytes: Buffer): Buffer | undefined {
    const whole = bytes.length >= this.#left;
    const part = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
    const rest = bytes.length > this.#left ? bytes.subarray(this.#left) : undefined;
    this.#left -= part.length;
    this.#sink.data(part);
    if (!whole) return undefined;
    if (this.#state === 'fixed') this.#end(rest === undefined);
    else if (this.#state === 'chunk-data') this.#state = 'chunk-end';
    return rest;
  }

  #line(bytes: Buffer, take: (line: string, isLast: boolean) => void): Buffer | undefined {
    const end = bytes.indexOf('\n');
    if ((end < 0 ? bytes.length : end) > LINE_LIMIT_BYTES) throw new InvalidResponse('a line of the chunked body is too long');
    if (end < 0) {
      this.#buffered = bytes;
      return undefined;
    }
    if (bytes[end - 1] !== 0x0d) throw new InvalidResponse('a line of the chunked body does not end with CR LF');
    const rest = bytes.subarray(end + 1);
    take(bytes.toString('latin1', 0, end - 1), rest.length === 0);
    return rest;
  }

  readonly #chunkSize = (line: string): void => {
    const digits = CHUNK_SIZE.exec(line)?.[1];
    if (digits === undefined) throw new InvalidResponse('a chunk has no proper size');
    this.#left = Number.parseInt(digits, 16);
    this.#state = this.#left === 0 ? 'trailer' : 'chunk-data';
  };

  readonly #chunkEnd = (line: string): void => {
    if (line !== '') throw new InvalidResponse('a chunk is longer than its size');
    this.#state = 'chunk-size';
  };

  /** Trailer fields are of no use here (RFC 9110 §6.5). */
  readonly #trailer = (line: string, isLast: boolean): void => {
    if (line === '') this.#end(isLast);
    else readField(line);
  };

  #end(clean: boolean): void {
    this.#state = 'done';
    this.#sink.end(clean && this.#keepAlive);
  }
}

function readHead(bytes: Buffer): Head {
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, bytes.length - HEAD_END.length).split('\r\n');
  const [, minor, statusText] = STATUS_LINE.exec(statusLine) ?? [];
  if (statusText === undefined) throw new InvalidResponse('the status line is not one of HTTP/1.1');
  const status = Number(statusText);
  if (status === 101) throw new InvalidResponse('the server changes to a protocol that nobody asked for');
  const headers = readFields(lines);
  const closes = /(^|,)\s*close\s*(,|$)/i.test(String(headers.connection ?? ''));
  const persists = minor === '1' ? !closes : /(^|,)\s*keep-alive\s*(,|$)/i.test(String(headers.connection ?? ''));
  const framing = framingOf(status, minor === '1', headers);
  return { bytes: Buffer.from(bytes), status, headers, keepAlive: persists && framing !== 'close', framing };
}

function readFields(lines: readonly string[]): ResponseHeaders {
  const headers: ResponseHeaders = {};
  for (const line of lines) {
    const [name, value] = readField(line);
    const before = Object.hasOwn(headers, name) ? headers[name] : undefined;
    const joined = before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value];
    if (name === '__proto__') throw new InvalidResponse('a header field has a name that cannot be');
    headers[name] = joined;
  }
  return headers;
}

function readField(line: string): [name: string, value: string] {
  const colon = line.indexOf(':');
  const name = line.slice(0, colon);
  const value = line.slice(colon + 1);
  if (colon < 1 || !FIELD_NAME.test(name) || !FIELD_VALUE.test(value)) throw new InvalidResponse('a header field is not proper');
  return [name.toLowerCase(), value.trim()];
}

/** RFC 9112 §6.3. What has both framing fields, or either in a form that could be read in two ways, is refused. */
function framingOf(status: number, isLatest: boolean, headers: ResponseHeaders): Head['framing'] {
  const coding = headers['transfer-encoding'];
  const length = headers['content-length'];
  if (coding !== undefined) {
    if (length !== undefined || !isLatest || String(coding).toLowerCase() !== 'chunked')
      throw new InvalidResponse('the length of the body is given in no proper way');
    return 'chunked';
  }
  const values = typeof length === 'string' ? [length] : (length ?? []);
  if (values.some((value) => !LENGTH.test(value) || value !== values[0]))
    throw new InvalidResponse('the length of the body is given in no proper way');
  if (status < 200 || status === 204 || status === 304) return 0;
  return values.length > 0 ? Number(values[0]) : 'close';
}
