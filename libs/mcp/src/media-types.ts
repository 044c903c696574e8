const JSON_TYPE = 'application/json';
const EVENT_STREAM_TYPE = 'text/event-stream';
/** What MCP clients send, word for word. */
const USUAL_ACCEPT = 'application/json, text/event-stream';
const ZERO_WEIGHT = /^q=0(?:\.0*)?$/;

/** The type of a field value without its parameters, in lower case (RFC 9110 §8.3.1). */
const essence = (value: string): string => (value.split(';', 1)[0] ?? '').trim().toLowerCase();

/** Whether a Content-Type says JSON. Parameters are ignored; a field that stands twice is not JSON. */
export function isJsonContentType(contentType: string | undefined): boolean {
  if (contentType === JSON_TYPE) return true;
  return contentType !== undefined && !contentType.includes(',') && essence(contentType) === JSON_TYPE;
}

/** Whether an Accept lets the gateway choose between JSON and an event stream, as MCP asks of clients. No Accept at all lets it (RFC 9110 §12.5.1). */
export function acceptsJsonAndEvents(accept: string | undefined): boolean {
  if (accept === undefined || accept === USUAL_ACCEPT) return true;
  const ranges = accept
    .split(',')
    .filter((range) => !range.split(';').some((part) => ZERO_WEIGHT.test(part.trim().toLowerCase())));
  const offered = new Set(ranges.map(essence));
  const takes = (type: string): boolean =>
    offered.has(type) || offered.has(`${type.split('/', 1)[0] ?? ''}/*`) || offered.has('*/*');
  return takes(JSON_TYPE) && takes(EVENT_STREAM_TYPE);
}
