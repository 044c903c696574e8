import { isUtf8 } from 'node:buffer';
import type { Envelope, GateRefusal } from './envelope.js';
import { JsonScanner, OPEN_BRACKET } from './json-scanner.js';
import { MessageReader } from './message-reader.js';

/** Containers inside one another that a message may have when the caller does not say otherwise. */
export const DEFAULT_MAX_DEPTH = 64;
/** The first byte of a byte order mark in UTF-8, which JSON text must not begin with (RFC 8259 §8.1). */
const BYTE_ORDER_MARK_START = 0xef;

/**
 * Reads one JSON-RPC message, once over the bytes and without building its values. Strict, so that no peer can read another
 * message out of the same bytes: RFC 8259 grammar, valid UTF-8, no lone surrogates, members that the gateway owns spelt exactly and
 * present once. Never throws.
 * @param bytes the whole message
 * @param limits maxDepth: most containers inside one another, 64 if absent
 * @returns what the gateway needs to know of the message, or why it is refused
 */
export function scanMessage(bytes: Buffer, limits?: { readonly maxDepth?: number }): Envelope | GateRefusal {
  if (!isUtf8(bytes)) return { ok: false, reason: 'parse_error', message: 'The body is not valid UTF-8.' };
  if (bytes[0] === BYTE_ORDER_MARK_START) {
    return { ok: false, reason: 'parse_error', message: 'The body is not valid JSON: it begins with a byte order mark.' };
  }
  return new MessageReader(new JsonScanner(bytes, limits?.maxDepth ?? DEFAULT_MAX_DEPTH)).read();
}

/** Whether the message is a JSON array, which JSON-RPC calls a batch. Looks at the first byte that is not white space. */
export function isBatch(bytes: Buffer): boolean {
  return new JsonScanner(bytes, 0).space() === OPEN_BRACKET;
}
