import { isUtf8 } from 'node:buffer';

const PREFIX = '=?base64?';
const SUFFIX = '?=';
/** What a field value may hold as it is: visible ASCII, space and tab, not at its ends (RFC 9110 §5.5). */
const PLAIN = /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/;

/** Takes optional white space off both ends (RFC 9110 §5.6.3), in linear time. */
export function trimFieldValue(raw: string): string {
  const isOuter = (at: number): boolean => raw[at] === ' ' || raw[at] === '\t';
  let start = 0;
  let end = raw.length;
  while (start < end && isOuter(start)) start += 1;
  while (end > start && isOuter(end - 1)) end -= 1;
  return raw.slice(start, end);
}

const looksEncoded = (value: string): boolean => value.startsWith(PREFIX) && value.endsWith(SUFFIX);

/**
 * Writes text as the value of Mcp-Name or Mcp-Param-*: as it is where a field value can hold it, else as `=?base64?…?=` around its
 * UTF-8 (MCP 2026-07-28, "Value Encoding").
 */
export function encodeHeaderValue(text: string): string {
  if (PLAIN.test(text) && !looksEncoded(text)) return text;
  return `${PREFIX}${Buffer.from(text).toString('base64')}${SUFFIX}`;
}

/**
 * Reads the value of Mcp-Name or Mcp-Param-*. White space around it is not part of it.
 * @returns undefined where it is no such value: characters outside visible ASCII, or a sentinel around what is not canonical Base64 of UTF-8
 */
export function decodeHeaderValue(raw: string): string | undefined {
  const value = trimFieldValue(raw);
  if (!looksEncoded(value)) return value === '' || PLAIN.test(value) ? value : undefined;
  const encoded = value.slice(PREFIX.length, -SUFFIX.length);
  const bytes = Buffer.from(encoded, 'base64');
  if (value.length < PREFIX.length + SUFFIX.length || bytes.toString('base64') !== encoded || !isUtf8(bytes)) return undefined;
  return bytes.toString('utf8');
}
