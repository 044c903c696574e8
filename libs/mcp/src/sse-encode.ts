const LINE_BREAK = /\r\n|\r|\n/;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** What to send as one event. */
export interface SseOutput {
  /** Type; `message` where absent. */
  readonly event?: string;
  /** Line breaks in it become several data lines, which reach the reader joined by \n. */
  readonly data: Buffer | string;
  readonly id?: string | undefined;
  readonly retryMs?: number;
}

/** A comment that keeps an idle stream from being cut. */
export const SSE_KEEPALIVE: Buffer = Buffer.from(': keep-alive\n\n');

/**
 * Writes one event of an event stream (WHATWG HTML §9.2.5).
 * @throws RangeError when `event` or `id` holds a line break or NUL, or `retryMs` is no whole number
 */
export function encodeSse({ event, data, id, retryMs }: SseOutput): Buffer {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  const head = field('event', event) + field('id', id) + retryField(retryMs);
  if (bytes.includes(LINE_FEED) || bytes.includes(CARRIAGE_RETURN)) {
    return Buffer.from(`${head}${bytes.toString('utf8').split(LINE_BREAK).map(dataLine).join('')}\n`);
  }
  const prefix = `${head}data: `;
  const target = Buffer.allocUnsafe(Buffer.byteLength(prefix) + bytes.length + 2);
  const dataStart = target.write(prefix);
  bytes.copy(target, dataStart);
  target.write('\n\n', dataStart + bytes.length, 'latin1');
  return target;
}

const dataLine = (line: string): string => `data: ${line}\n`;

function field(name: string, value: string | undefined): string {
  if (value === undefined) return '';
  if (/[\r\n\0]/.test(value)) throw new RangeError(`the ${name} of an event cannot hold a line break or NUL`);
  return `${name}: ${value}\n`;
}

function retryField(retryMs: number | undefined): string {
  if (retryMs === undefined) return '';
  if (!Number.isSafeInteger(retryMs) || retryMs < 0)
    throw new RangeError('the retry time of an event is a whole number of milliseconds');
  return `retry: ${retryMs}\n`;
}
