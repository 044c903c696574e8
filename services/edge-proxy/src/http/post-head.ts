import { FIELD_NAME } from '@switchyard/egress';

/** The header section of a message that is read here, without node:http. */
export interface PostHead {
  /** As it was sent. */
  readonly target: string;
  /** By name in lower case; no name stands twice. */
  readonly headers: Readonly<Record<string, string>>;
  /** Names as they were sent, and values, in turn. */
  readonly rawHeaders: string[];
  readonly contentLength: number;
  /** Whether the client may send another request on the same connection (RFC 9112 §9.3). */
  readonly keepsAlive: boolean;
}

const FIELD_LIMIT = 100;

const METHOD = 'POST ';
const VERSION = ' HTTP/1.1';
const TARGET = /^\/mcp(?:\/[a-z0-9-]{1,63})?$/;
const VALUE = /^[\t\x20-\x7e]*$/;
const LENGTH = /^\d{1,9}$/;

/** Names as clients usually write them, so that they need neither checking nor changing. */
const USUAL_NAMES = new Map(
  [
    'Accept',
    'Accept-Encoding',
    'Accept-Language',
    'Authorization',
    'Connection',
    'Content-Length',
    'Content-Type',
    'DPoP',
    'Host',
    'MCP-Protocol-Version',
    'Mcp-Method',
    'Mcp-Name',
    'Mcp-Session-Id',
    'Origin',
    'Sec-Fetch-Mode',
    'Traceparent',
    'User-Agent',
    'X-Request-Id',
  ].flatMap((name) => [
    [name, name.toLowerCase()],
    [name.toLowerCase(), name.toLowerCase()],
  ]),
);

/** What says that the message is framed, or answered, in another way than by its length (RFC 9112 §6, RFC 9110 §10.1.1, §7.8), or has a name that no field may have here. */
const NOT_HERE: ReadonlySet<string> = new Set(['transfer-encoding', 'expect', 'upgrade', 'trailer', 'te', '__proto__']);

/**
 * Reads the header section of a message posted to an MCP endpoint (RFC 9112 §3, §5), where it is of the plain form that clients write:
 * nothing in it that two parsers could read in two ways, or that concerns more than this message. It judges nothing: what is not of that
 * form, wrong or only unusual, is node:http's to answer.
 * @param text the section without the empty line at its end, as Latin-1
 * @returns undefined for everything else
 */
export function readPostHead(text: string): PostHead | undefined {
  const lineEnd = endOfLine(text, 0);
  if (!text.startsWith(METHOD) || !text.endsWith(VERSION, lineEnd)) return undefined;
  const target = text.slice(METHOD.length, lineEnd - VERSION.length);
  if (!TARGET.test(target)) return undefined;
  const headers: Record<string, string> = {};
  const rawHeaders: string[] = [];
  for (let at = lineEnd + 2; at < text.length;) {
    const end = endOfLine(text, at);
    const colon = text.indexOf(':', at);
    if (colon < 0 || colon > end) return undefined;
    const written = text.slice(at, colon);
    const name = USUAL_NAMES.get(written) ?? checkedName(written);
    const value = valueIn(text, colon + 1, end);
    if (name === undefined || value === undefined || headers[name] !== undefined) return undefined;
    headers[name] = value;
    rawHeaders.push(written, value);
    at = end + 2;
  }
  const { host, 'content-length': length, connection = KEEP_ALIVE } = headers;
  const keepsAlive = connection.toLowerCase() === KEEP_ALIVE;
  if (host === undefined || length === undefined || !LENGTH.test(length)) return undefined;
  if ((!keepsAlive && connection.toLowerCase() !== CLOSE) || rawHeaders.length > 2 * FIELD_LIMIT) return undefined;
  return { target, headers, rawHeaders, contentLength: Number(length), keepsAlive };
}

const KEEP_ALIVE = 'keep-alive';
const CLOSE = 'close';

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\r\n', from);
  return end < 0 ? text.length : end;
}

function checkedName(written: string): string | undefined {
  const name = written.toLowerCase();
  return FIELD_NAME.test(written) && !NOT_HERE.has(name) ? name : undefined;
}

function valueIn(text: string, from: number, to: number): string | undefined {
  // As nearly everyone writes it: one space before, nothing behind.
  const isPlain = text.charCodeAt(from) === SPACE && text.charCodeAt(from + 1) > SPACE && text.charCodeAt(to - 1) > SPACE;
  const value = isPlain ? text.slice(from + 1, to) : trimmed(text.slice(from, to));
  return VALUE.test(value) ? value : undefined;
}

const SPACE = 0x20;

/** Without the spaces and tabs around it (RFC 9110 §5.5). */
const trimmed = (value: string) => value.replace(/^[\t ]+|[\t ]+$/g, '');
