import { EngineError } from '../engine/engine.js';
import type { MessageLine } from './message-lines.js';

/** Why a line is no event. */
export const DEAD_REASONS = ['line_too_long', 'not_utf8', 'not_an_event'] as const;
export type DeadReason = (typeof DEAD_REASONS)[number];

/** A line that is kept apart. */
export interface DeadLetter {
  readonly line: MessageLine;
  readonly reason: DeadReason;
  /** What the engine said; empty where it was not asked. */
  readonly error: string;
}

/**
 * ClickHouse's error codes that are about the data of an insert. Everything else (disk full, out of memory, table missing, server
 * going down) is about the engine: the same line may be fine later.
 */
const DATA_ERROR_CODES: ReadonlySet<number> = new Set([
  6, // CANNOT_PARSE_TEXT
  25, // CANNOT_PARSE_ESCAPE_SEQUENCE
  26, // CANNOT_PARSE_QUOTED_STRING
  27, // CANNOT_PARSE_INPUT_ASSERTION_FAILED
  32, // ATTEMPT_TO_READ_AFTER_EOF
  33, // CANNOT_READ_ALL_DATA
  38, // CANNOT_PARSE_DATE
  41, // CANNOT_PARSE_DATETIME
  53, // TYPE_MISMATCH
  69, // ARGUMENT_OUT_OF_BOUND
  70, // CANNOT_CONVERT_TYPE
  72, // CANNOT_PARSE_NUMBER
  117, // INCORRECT_DATA
  130, // CANNOT_READ_ARRAY_FROM_TEXT
  131, // TOO_LARGE_STRING_SIZE
  306, // TOO_DEEP_RECURSION
  321, // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
  349, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
  467, // CANNOT_PARSE_BOOL
  469, // VIOLATED_CONSTRAINT
  691, // UNKNOWN_ELEMENT_OF_ENUM
]);

/** Whether an insert failed because of its lines. */
export function isDataError(error: unknown): error is EngineError {
  return error instanceof EngineError && error.code !== undefined && DATA_ERROR_CODES.has(error.code);
}

const errorLimit = 1_000;

/** The row of a dead letter, as one line of JSON. */
export function deadLetterRow({ line, reason, error }: DeadLetter): string {
  const { subject, messageId } = line.message;
  return `${JSON.stringify({
    subject,
    message_id: messageId,
    line_number: line.number,
    reason,
    error: error.slice(0, errorLimit).toWellFormed(),
    line_base64: line.bytes.toString('base64'),
  })}\n`;
}
