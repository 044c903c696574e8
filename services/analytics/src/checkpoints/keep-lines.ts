import type { StreamMessage } from '@switchyard/messaging';
import type { Engine } from '../engine/engine.js';
import { insertToken, linesOf, refusal } from '../ingest/message-lines.js';

/**
 * Keeps the exact bytes of events, beside the columns that questions are asked of; what is no text is no event, and is among the dead
 * letters.
 * @throws EngineError
 */
export async function keepLines(engine: Engine, messages: readonly StreamMessage[]): Promise<void> {
  const lines = messages.flatMap(linesOf).filter((line) => refusal(line) === undefined);
  if (lines.length === 0) return;
  const rows = lines.map(({ bytes }) => `{"line":${JSON.stringify(bytes.toString())}}\n`).join('');
  const data = Buffer.from(rows);
  await engine.insertLines('event_lines', data, insertToken(messages, data));
}
