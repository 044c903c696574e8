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

/** Where a batch is stored, and in which undertaking: the engine drops an insert that it knows from the same one alone. */
interface Target {
  readonly engine: Engine;
  readonly occasion: string;
}

/**
 * Stores every line of a batch: as it is in `event_lines`, where it is text; as an event in `events`, or else in `dead_letters`. Bytes are
 * passed through; only a batch that the engine refuses is taken apart. Storing the same messages again changes nothing that can be read.
 * @param occasion a name of its own where messages that were stored already must be stored again, because tables have lost what they had
 * @returns when all of it is on the disk
 * @throws EngineError where the engine is at fault; then storing the batch again is right
 */
export async function storeBatch(engine: Engine, messages: readonly StreamMessage[], occasion = ''): Promise<StoredBatch> {
  const target = { engine, occasion };
  const stored = messages.every(isUnsuspicious) ? await storeWhole(target, messages) : await storeApart(target, messages);
  if (stored.deadLetters.length > 0) await storeDeadLetters(target, stored.deadLetters);
  return stored;
}

async function storeWhole(target: Target, messages: readonly StreamMessage[]): Promise<StoredBatch> {
  const { engine, occasion } = target;
  const data = joinMessages(messages);
  if (data.length === 0) return { rows: 0, deadLetters: [] };
  const token = insertToken(messages, data, occasion);
  await engine.insertTexts('event_lines', 'line', data, token);
  try {
    return { rows: await engine.insertLines('events', data, token), deadLetters: [] };
  } catch (error) {
    if (!isDataError(error)) throw error;
    return bisect(target, messages.flatMap(linesOf));
  }
}

/** What is no text is no line of the trail either: it is among the dead letters alone. */
async function storeApart(target: Target, messages: readonly StreamMessage[]): Promise<StoredBatch> {
  const { engine, occasion } = target;
  const lines = messages.flatMap(linesOf);
  const reasons = new Map(lines.map((line) => [line, refusal(line)]));
  const refused = lines.flatMap((line) => {
    const reason = reasons.get(line);
    return reason === undefined ? [] : [{ line, reason, error: '' }];
  });
  const rest = lines.filter((line) => reasons.get(line) === undefined);
  if (rest.length > 0) {
    const data = joinLines(rest);
    await engine.insertTexts('event_lines', 'line', data, insertToken(messages, data, occasion));
  }
  const { rows, deadLetters } = await bisect(target, rest);
  return { rows, deadLetters: [...refused, ...deadLetters] };
}

/** Halves lines that the engine refuses until the ones that it means stand alone. */
async function bisect(target: Target, lines: readonly MessageLine[]): Promise<StoredBatch> {
  const [line, ...more] = lines;
  if (line === undefined) return { rows: 0, deadLetters: [] };
  const data = joinLines(lines);
  try {
    const rows = await target.engine.insertLines('events', data, insertToken(messagesOf(lines), data, target.occasion));
    return { rows, deadLetters: [] };
  } catch (error) {
    if (!isDataError(error)) throw error;
    if (more.length === 0) return { rows: 0, deadLetters: [{ line, reason: 'not_an_event', error: error.message }] };
  }
  const middle = lines.length >> 1;
  const left = await bisect(target, lines.slice(0, middle));
  const right = await bisect(target, lines.slice(middle));
  return { rows: left.rows + right.rows, deadLetters: [...left.deadLetters, ...right.deadLetters] };
}

async function storeDeadLetters({ engine, occasion }: Target, deadLetters: readonly DeadLetter[]): Promise<void> {
  const messages = messagesOf(deadLetters.map(({ line }) => line));
  const data = Buffer.from(deadLetters.map(deadLetterRow).join(''));
  await engine.insertLines('dead_letters', data, insertToken(messages, data, occasion));
  const stubs = Buffer.from(deadLetters.map((letter) => stubOf(letter) ?? '').join(''));
  if (stubs.length > 0) await engine.insertLines('events', stubs, insertToken(messages, stubs, occasion));
}

const messagesOf = (lines: readonly MessageLine[]) => [...new Set(lines.map(({ message }) => message))];
