import { eventsSubject, type EventType } from '@switchyard/contracts';
import { createHash } from 'node:crypto';
import type { DeadLetter } from './dead-letter.js';

const headBytes = 2_048;
// How every event begins.
const identity =
  /^\{"event_id":"([^"\\]+)","tenant":"([^"\\]+)","occurred_at":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)","emitter":"([^"\\]+)","epoch":"(\d{1,18})","sequence":"(\d{1,18})"/;

/**
 * The event that stands for a line which is none, as one line of JSON: the emitter's sequence has no gap, and whoever reads it is
 * told where the line is. Undefined where the line does not say which event it is, or says that it is another emitter's.
 */
export function stubOf({ line, reason }: DeadLetter): string | undefined {
  const found = identity.exec(line.bytes.subarray(0, headBytes).toString('latin1'));
  if (!found) return undefined;
  const [, event_id, tenant = '', occurred_at, emitter = '', epoch, sequence] = found;
  const isItsOwn = event_id === `${emitter}/${epoch}/${sequence}` && line.message.subject === eventsSubject(tenant, emitter);
  if (!isItsOwn) return undefined;
  const type: EventType = 'event.unreadable';
  const detail = {
    bytes: String(line.bytes.length),
    sha256: createHash('sha256').update(line.bytes).digest('hex'),
    message_id: line.message.messageId,
    line: String(line.number),
  };
  const stub = { event_id, tenant, occurred_at, emitter, epoch, sequence, type, outcome: 'unknown', reason, detail };
  return `${JSON.stringify(stub)}\n`;
}
