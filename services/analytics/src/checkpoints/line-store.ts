import { EVENT_LINES_CONSUMER, EVENTS_STREAM } from '@switchyard/contracts';
import type { Bus, Consumption, StreamMessage } from '@switchyard/messaging';
import type { Logger } from '@switchyard/telemetry';
import type { Engine } from '../engine/engine.js';
import { insertToken, linesOf, refusal } from '../ingest/message-lines.js';

/** What keeping lines stands on. */
export interface LineStoreDeps {
  readonly bus: Bus;
  readonly engine: Engine;
  readonly log: Logger;
}

const batch = { batchMessages: 1_000, batchBytes: 4 * 1024 ** 2, batchWaitMs: 1_000 };

/** Keeps the exact bytes of every event, beside the columns that questions are asked of. */
export class LineStore {
  readonly #consumption: Consumption;

  private constructor(consumption: Consumption) {
    this.#consumption = consumption;
  }

  /** @throws BusUnavailable */
  static async start({ bus, engine, log }: LineStoreDeps): Promise<LineStore> {
    const consumption = await bus.consume({
      ...batch,
      stream: EVENTS_STREAM,
      durable: EVENT_LINES_CONSUMER,
      handle: (messages) => keepLines(engine, messages),
      onError: (error) => log.warn('lines of events could not be kept; they stay in the stream', { error }),
    });
    return new LineStore(consumption);
  }

  /** Finishes the batch in hand. Idempotent. */
  close(): Promise<void> {
    return this.#consumption.close();
  }
}

/** Stores the lines of a batch; what is no text is no event, and ingestion puts it among the dead letters. @throws EngineError */
async function keepLines(engine: Engine, messages: readonly StreamMessage[]): Promise<void> {
  const lines = messages.flatMap(linesOf).filter((line) => refusal(line) === undefined);
  if (lines.length === 0) return;
  const rows = lines.map(({ bytes }) => `{"line":${JSON.stringify(bytes.toString())}}\n`).join('');
  const data = Buffer.from(rows);
  await engine.insertLines('event_lines', data, insertToken(messages, data));
}
