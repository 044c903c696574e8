import { SpoolFull } from '@switchyard/audit';
import type { Edge } from '../edge.js';
import type { Call } from '../exchange.js';
import type { Facts } from '../facts.js';
import { EVENT_OF_METHOD } from '../record.js';
import type { Refusal } from '../refusal.js';
import { unrecordable } from './admit.js';
import { MAY_CHANGE } from './revocation-known.js';

/** Whether a message may change something at its upstream. What a tool does, only its upstream knows; what is said here the configuration says. */
export function mayChange({ method, source, upstream_capability: capability }: Facts): boolean {
  if (!MAY_CHANGE.has(method)) return false;
  return method !== 'tools/call' || source === undefined || !source.reads(capability);
}

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
