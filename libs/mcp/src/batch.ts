import { isUtf8 } from 'node:buffer';
import type { Envelope, GateRefusal, Range } from './envelope.js';
import { DEFAULT_MAX_DEPTH, scanMessage } from './gate.js';
import { CLOSE_BRACKET, COMMA, JsonScanner, OPEN_BRACKET } from './json-scanner.js';

/** One element of a batch, scanned by itself. */
export interface BatchMessage {
  /** Where it stands in the batch. */
  readonly range: Range;
  /** Its own bytes; shares memory with the batch. */
  readonly bytes: Buffer;
  /** What it is, or why it is none: then the others are served, and it gets an error (JSON-RPC 2.0 §6). */
  readonly scanned: Envelope | GateRefusal;
}

export type BatchRefusal = Omit<GateRefusal, 'id'>;

export interface BatchLimits {
  /** Most messages, 100 if absent. */
  readonly maxMessages?: number;
  /** Most containers inside one another in one message, 64 if absent. */
  readonly maxDepth?: number;
}

const MOST_MESSAGES = 100;
const BYTE_ORDER_MARK_START = 0xef;

const refuse = (reason: GateRefusal['reason'], message: string): BatchRefusal => ({ ok: false, reason, message });

/**
 * Splits a batch (MCP 2025-03-26, "Batching"; no other revision has them) into its messages, each as strictly read as one that comes
 * alone. Refused as a whole: what is not JSON, the empty batch, one over the limit, `initialize` in company, messages that describe
 * themselves as those of the modern era do, and two requests with the same id.
 */
export function splitBatch(
  bytes: Buffer,
  limits: BatchLimits = {},
): { readonly ok: true; readonly messages: readonly BatchMessage[] } | BatchRefusal {
  const maxDepth = limits.maxDepth ?? DEFAULT_MAX_DEPTH;
  const ranges = elementRanges(bytes, limits.maxMessages ?? MOST_MESSAGES, maxDepth);
  if (!Array.isArray(ranges)) return ranges;
  if (ranges.length === 0) return refuse('invalid_request', 'The batch is empty.');
  const messages = ranges.map((range): BatchMessage => {
    const own = bytes.subarray(range.start, range.end);
    return { range, bytes: own, scanned: scanMessage(own, { maxDepth }) };
  });
  const objection = objectionTo(messages);
  return objection === undefined ? { ok: true, messages } : refuse('invalid_request', objection);
}

function elementRanges(bytes: Buffer, maxMessages: number, maxDepth: number): Range[] | BatchRefusal {
  if (!isUtf8(bytes)) return refuse('parse_error', 'The body is not valid UTF-8.');
  if (bytes[0] === BYTE_ORDER_MARK_START)
    return refuse('parse_error', 'The body is not valid JSON: it begins with a byte order mark.');
  const scanner = new JsonScanner(bytes, maxDepth + 1);
  if (scanner.space() !== OPEN_BRACKET) return refuse('invalid_request', 'A batch is a JSON array.');
  scanner.at += 1;
  const ranges: Range[] = [];
  let isOver = scanner.space() === CLOSE_BRACKET;
  while (!isOver) {
    if (ranges.length === maxMessages) return refuse('invalid_request', `A batch holds at most ${maxMessages} messages.`);
    scanner.space();
    const start = scanner.at;
    if (!scanner.skipValue(1)) break;
    ranges.push({ start, end: scanner.at });
    const byte = scanner.space();
    isOver = byte === CLOSE_BRACKET;
    if (!isOver && byte !== COMMA) scanner.fail('a comma or a closing bracket was expected');
    if (!isOver) scanner.at += 1;
  }
  if (scanner.problem === '') {
    scanner.at += 1;
    scanner.space();
    if (scanner.at < bytes.length) scanner.fail('text after the end');
  }
  return scanner.problem === '' ? ranges : refuse('parse_error', scanner.problem);
}

function objectionTo(messages: readonly BatchMessage[]): string | undefined {
  const ids = new Set<unknown>();
  for (const { scanned } of messages) {
    if (!scanned.ok) continue;
    if (scanned.method === 'initialize') return 'initialize cannot be part of a batch.';
    if (scanned.hasProtocolVersionKey) return 'Messages of a revision without batches cannot be part of one.';
    if (scanned.kind !== 'request') continue;
    const id: unknown = JSON.parse(scanned.id);
    if (ids.has(id)) return 'Two requests of the batch have the same id.';
    ids.add(id);
  }
  return undefined;
}

/**
 * Joins the responses to a batch.
 * @returns undefined where there is none: a batch of notifications and responses is accepted without a body
 */
export function joinBatch(responses: readonly Buffer[]): Buffer | undefined {
  if (responses.length === 0) return undefined;
  const parts = responses.flatMap((response, index) => [Buffer.from(index === 0 ? '[' : ','), response]);
  return Buffer.concat([...parts, Buffer.from(']')]);
}
