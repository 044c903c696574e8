import { parsePayload } from '@switchyard/audit';
import { PAYLOADS_INGEST_CONSUMER, PAYLOADS_STREAM, payloadsSubject } from '@switchyard/contracts';
import type { Bus, Consumption, StreamMessage } from '@switchyard/messaging';
import type { Logger } from '@switchyard/telemetry';
import type { Engine } from '../engine/engine.js';
import { insertToken, linesOf } from '../ingest/message-lines.js';

/** What keeping payloads stands on. */
export interface KeepPayloadsDeps {
  readonly bus: Bus;
  readonly engine: Engine;
  readonly log: Logger;
}

const batch = { batchMessages: 200, batchBytes: 16 * 1024 ** 2, batchWaitMs: 400 };

/** Moves captured payloads, as they are, from their stream into the database. @throws BusUnavailable */
export function keepPayloads(deps: KeepPayloadsDeps): Promise<Consumption> {
  const { bus, log } = deps;
  return bus.consume({
    ...batch,
    stream: PAYLOADS_STREAM,
    durable: PAYLOADS_INGEST_CONSUMER,
    handle: (messages) => store(messages, deps),
    onError: (error) => log.warn('captured payloads could not be stored; they stay in the stream', { error }),
  });
}

async function store(messages: readonly StreamMessage[], { engine, log }: KeepPayloadsDeps): Promise<void> {
  let dropped = 0;
  const rows = messages.flatMap(linesOf).flatMap(({ bytes, message }) => {
    const payload = parsePayload(bytes.toString('utf8'));
    // The subject is what an emitter may publish to: no tenant's edge stores anything in another's name.
    const emitter = message.messageId.slice(0, Math.max(0, message.messageId.indexOf('/')));
    if (payload !== undefined && message.subject === payloadsSubject(payload.tenant, emitter)) return [JSON.stringify(payload)];
    dropped += 1;
    return [];
  });
  if (dropped > 0) log.error('lines of the stream of captured payloads are none, and were not stored', { count: dropped });
  if (rows.length === 0) return;
  const data = Buffer.from(rows.map((row) => `${row}\n`).join(''));
  await engine.insertLines('event_payloads', data, insertToken(messages, data));
}
