import type { StreamMessage } from '@switchyard/messaging';
import type { Engine } from '../engine/engine.js';
import { deadLetterRow, isDataError, type DeadLetter } from './dead-letter.js';
import { stubOf } from './stub-of.js';
import { insertToken, isUnsuspicious, joinLines, joinMessages, linesOf, refusal, type MessageLine } from './message-lines.js';

/** What became of a batch. */
export interface StoredBatch {
  /** Events on the disk, counting those that were there before. */
  readonly rows: number;
  readonly deadLetters: readonly DeadLetter[];
}

/**
 * Stores every line of a batch: events in `events`, anything else in `dead_letters`. Bytes are passed through; only a batch
 * that the engine refuses is taken apart. Storing the same messages again changes nothing that can be read.
 * @returns when all of it is on the disk
 * @throws EngineError where the engine is at fault; then storing the batch again is right
 */
export async function storeBatch(engine: Engine, messages: readonly StreamMessage[]): Promise<StoredBatch> {
  const stored = messages.every(isUnsuspicious) ? await storeWhole(engine, messages) : await storeLines(engine, messages);
  if (stored.deadLetters.length > 0) await storeDeadLetters(engine, stored.deadLetters);
  return stored;
}

async function storeWhole(engine: Engine, messages: readonly StreamMessage[]): Promise<StoredBatch> {
  const data = joinMessages(messages);
  try {
    const rows = await engine.insertLines('events', data, insertToken(messages, data));
    return { rows, deadLetters: [] };
  } catch (error) {
    if (!isDataError(error)) throw error;
    return storeLines(engine, messages);
  }
}

async function storeLines(engine: Engine, messages: readonly StreamMessage[]): Promise<StoredBatch> {
  const lines = messages.flatMap(linesOf);
  const refused = lines.flatMap((line) => {
    const reason = refusal(line);
    return reason === undefined ? [] : [{ line, reason, error: '' }];
  });
  const rest = lines.filter((line) => refusal(line) === undefined);
  const { rows, deadLetters } = await bisect(engine, rest);
  return { rows, deadLetters: [...refused, ...deadLetters] };
}

/** Halves lines that the engine refuses until the ones that it means stand alone. */
async function bisect(engine: Engine, lines: readonly MessageLine[]): Promise<StoredBatch> {
  const [line, ...more] = lines;
  if (line === undefined) return { rows: 0, deadLetters: [] };
  const data = joinLines(lines);
  try {
    const rows = await engine.insertLines('events', data, insertToken(messagesOf(lines), data));
    return { rows, deadLetters: [] };
  } catch (error) {
    if (!isDataError(error)) throw error;
    if (more.length === 0) return { rows: 0, deadLetters: [{ line, reason: 'not_an_event', error: error.message }] };
  }
  const middle = lines.length >> 1;
  const left = await bisect(engine, lines.slice(0, middle));
  const right = await bisect(engine, lines.slice(middle));
  return { rows: left.rows + right.rows, deadLetters: [...left.deadLetters, ...right.deadLetters] };
}

async function storeDeadLetters(engine: Engine, deadLetters: readonly DeadLetter[]): Promise<void> {
  const messages = messagesOf(deadLetters.map(({ line }) => line));
  const data = Buffer.from(deadLetters.map(deadLetterRow).join(''));
  await engine.insertLines('dead_letters', data, insertToken(messages, data));
  const stubs = Buffer.from(deadLetters.map((letter) => stubOf(letter) ?? '').join(''));
  if (stubs.length > 0) await engine.insertLines('events', stubs, insertToken(messages, stubs));
}

const messagesOf = (lines: readonly MessageLine[]) => [...new Set(lines.map(({ message }) => message))];
