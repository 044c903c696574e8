import type { StreamMessage } from '@switchyard/messaging';
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** One line of a message of the events stream. */
export interface MessageLine {
  readonly message: StreamMessage;
  /** Position in the message, from 1. */
  readonly number: number;
  /** Without its line feed. */
  readonly bytes: Buffer;
}

const lineFeed = 0x0a;
const separator = Buffer.from([lineFeed]);
const emptyLine = Buffer.from([lineFeed, lineFeed]);
const lineLimitBytes = 1024 ** 2;

/** Why a line is refused before the engine sees it; undefined where it is not. */
export function refusal(line: MessageLine): 'line_too_long' | 'not_utf8' | undefined {
  if (line.bytes.length > lineLimitBytes) return 'line_too_long';
  // RFC 8259 §8.1. The engine would store the bytes, and readers of the audit trail would get what is not JSON.
  return isUtf8(line.bytes) ? undefined : 'not_utf8';
}

/** Whether every line of a message can go to the engine unseen. Looks at the bytes as a whole, which is cheap. */
export function isUnsuspicious(message: StreamMessage): boolean {
  const data = bufferOf(message);
  return data.length <= lineLimitBytes && data[0] !== lineFeed && !data.includes(emptyLine) && isUtf8(data);
}

/** Splits a message into its lines; empty ones are left out, and keep their number. */
export function linesOf(message: StreamMessage): MessageLine[] {
  const data = bufferOf(message);
  const lines: MessageLine[] = [];
  for (let start = 0, number = 1; start < data.length; number++) {
    const feed = data.indexOf(lineFeed, start);
    const end = feed < 0 ? data.length : feed;
    if (end > start) lines.push({ message, number, bytes: data.subarray(start, end) });
    start = end + 1;
  }
  return lines;
}

/** All lines of some messages in one piece. */
export function joinMessages(messages: readonly StreamMessage[]): Buffer {
  const parts = messages.map(bufferOf).filter((part) => part.length > 0);
  return Buffer.concat(parts.flatMap((part) => (part.at(-1) === lineFeed ? [part] : [part, separator])));
}

/** Lines in one piece. */
export function joinLines(lines: readonly MessageLine[]): Buffer {
  return Buffer.concat(lines.flatMap(({ bytes }) => [bytes, separator]));
}

/**
 * Names an insert, so that the engine knows it again when it comes twice: by the ids of its messages and a checksum of its
 * bytes. The checksum makes sure that other events under a used id are not taken for the same.
 * @param occasion inserts of another one are other inserts
 */
export function insertToken(messages: readonly StreamMessage[], data: Uint8Array, occasion = ''): string {
  const ids = messages.map(({ messageId }) => messageId).join('\n');
  return createHash('sha256')
    .update(`${occasion}${ids}\n${data.length}\n${crc32(data)}`)
    .digest('hex');
}

const headBytes = 1_024;
const occurredAtMember = /"occurred_at":"([^"]+)"/;
const sequenceMember = /"sequence":"(\d+)"/;

/** When the first event of a message happened; undefined where its line does not say. */
export function occurredAt(message: StreamMessage): string | undefined {
  return occurredAtMember.exec(headOf(message))?.[1];
}

/** Which of its emitter's events the first one of a message is; NaN where its line does not say. */
export function sequenceOf(message: StreamMessage): number {
  return Number(sequenceMember.exec(headOf(message))?.[1] ?? Number.NaN);
}

const headOf = (message: StreamMessage) => bufferOf(message).toString('latin1', 0, headBytes);

const bufferOf = ({ data }: StreamMessage) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);
