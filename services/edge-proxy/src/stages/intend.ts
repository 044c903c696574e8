import { SpoolFull } from '@switchyard/audit';
import type { Edge } from '../edge.js';
import type { Call } from '../exchange.js';
import { EVENT_OF_METHOD } from '../record.js';
import type { Refusal } from '../refusal.js';
import { mayChange, unrecordable } from './admit.js';

/**
 * Puts what is about to be done on record, and on the disk, where it may change something: whatever happens to this process, or its
 * power, somebody will know that it may have been done.
 * @returns why it is not done; undefined where it may be
 */
export async function intend({ exchange: { facts } }: Pick<Call, 'exchange'>, { audit }: Edge): Promise<Refusal | undefined> {
  if (!mayChange(facts)) return undefined;
  const type = EVENT_OF_METHOD.get(facts.method) ?? 'tool.called';
  const detail = { ...facts.detail, intent_of: type };
  try {
    const { id, onDisk } = await audit.intend({ ...facts, type: 'tool.intended', outcome: 'pending', detail }, facts.rendered());
    facts.intent = id;
    await onDisk;
  } catch (error) {
    if (!(error instanceof SpoolFull)) throw error;
    return unrecordable();
  }
  return undefined;
}
