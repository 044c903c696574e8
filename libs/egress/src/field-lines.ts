declare const checked: unique symbol;

/** Header fields as they are sent, each line with its CR LF, every one of them checked. */
export type FieldLines = string & { readonly [checked]: true };

export const NO_FIELDS = '' as FieldLines;

/** `token` (RFC 9110 §5.6.2). */
export const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** `field-value` with obs-text, in latin1 (RFC 9110 §5.5). */
export const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Names that need no looking at. */
const USUAL_NAMES: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'authorization',
  'content-type',
  'last-event-id',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
  'traceparent',
  'user-agent',
  'x-request-id',
]);

/**
 * Adds a header field (RFC 9110 §5).
 * @param name in lower case
 * @throws TypeError for a field that could end early and begin another
 */
export function withField(lines: FieldLines, name: string, value: string): FieldLines {
  if (!(USUAL_NAMES.has(name) || FIELD_NAME.test(name)) || !FIELD_VALUE.test(value))
    throw new TypeError(`the header field ${name} cannot be sent`);
  return `${lines}${name}: ${value}\r\n` as FieldLines;
}
