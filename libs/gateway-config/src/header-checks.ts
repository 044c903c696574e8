import type { PlacedProblem } from './placed-problem.js';
import { refuseSecretValue } from './secret-reference.js';

// RFC 9110 section 5.6.2 and 5.5.
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
// Header fields that the gateway itself writes on every request to an upstream.
const OWNED =
  /^(host|connection|content-length|content-type|transfer-encoding|te|trailer|upgrade|expect|keep-alive|accept|accept-encoding|mcp-.*|x-switchyard-.*|traceparent|tracestate|x-request-id|last-event-id)$/i;

/** Why a header field cannot have this name; undefined where it can. */
export function refuseHeaderName(name: string): string | undefined {
  if (!FIELD_NAME.test(name)) return 'is not a header field name. Use letters, digits and "-".';
  return OWNED.test(name) ? 'is written by the gateway itself. Remove it.' : undefined;
}

/** What is wrong with a header field that is sent to an upstream. */
export function headerProblems(path: PropertyKey[], name: string, value: string): PlacedProblem[] {
  const message = refuseHeaderName(name) ?? refuseHeaderValue(value) ?? refuseSecretValue(name, value);
  return message === undefined ? [] : [{ path, message }];
}

/** Why no header field can have this value; undefined where one can. */
export function refuseHeaderValue(value: string): string | undefined {
  return FIELD_VALUE.test(value)
    ? undefined
    : 'holds characters that a header field cannot have, such as a line break. Remove them.';
}
