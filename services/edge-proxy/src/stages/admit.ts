import { type Audit, SpoolFull } from '@switchyard/audit';
import { type Ending, refused } from '../ending.js';
import type { Exchange } from '../exchange.js';
import type { Facts } from '../facts.js';
import { Refusal } from '../refusal.js';
import { MAY_CHANGE } from './revocation-known.js';

/** Whether a message may change something at its upstream. What a tool does, only its upstream knows; what is said here the configuration says. */
export function mayChange({ method, source, upstream_capability: capability }: Facts): boolean {
  if (!MAY_CHANGE.has(method)) return false;
  return method !== 'tools/call' || source === undefined || !source.reads(capability);
}

/** Whether a call may be dispatched now. What cannot be recorded is not done, unless it only reads and the configuration says so. */
export function admit(exchange: Pick<Exchange, 'facts' | 'catalog'>, audit: Audit): Refusal | undefined {
  return audit.accepting() || maySkipRecord(exchange) ? undefined : unrecordable();
}

/** Why nothing is done while nothing can be recorded. */
export function unrecordable(): Refusal {
  return new Refusal(
    'audit_unavailable',
    'The audit trail cannot take more now, so no calls are made. The gateway’s administrators have to free the spool.',
    { retry_after_seconds: 30 },
  );
}

/**
 * What becomes of an answer whose record was refused: it is withheld, unless it may go without. The audit trail has counted it.
 * @throws what is no refusal
 */
export function unrecorded(exchange: Pick<Exchange, 'facts' | 'catalog'>, ending: Ending, error: unknown): Ending {
  if (!(error instanceof SpoolFull)) throw error;
  if (ending.kind !== 'response' || maySkipRecord(exchange)) return ending;
  const sentence = 'The audit trail cannot take this call’s record, so its result is withheld.';
  return refused(new Refusal('audit_unavailable', sentence));
}

const maySkipRecord = ({ facts, catalog }: Pick<Exchange, 'facts' | 'catalog'>) => catalog.shedsReads && !mayChange(facts);
