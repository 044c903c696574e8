import type { CapturePlan } from '../capture/capture-plan.js';
import type { NoPayloadKey, PayloadKey } from '../capture/payload-keys.js';
import type { Edge } from '../edge.js';
import type { Call } from '../exchange.js';
import { Refusal } from '../refusal.js';
import { nameForRules } from './authorize.js';
import type { Target } from './resolve.js';

/**
 * Makes sure, before a call is made, that what it says can be kept where that is configured.
 * @returns why it is not made: on strict servers, where it could not be kept; undefined where it may be. Elsewhere it is made, and its
 *   event says that it was not kept.
 */
export function prepareCapture(
  call: Call,
  { source, capability }: Target,
  edge: Edge,
): undefined | Refusal | Promise<undefined | Refusal> {
  const plan = source.capture?.(capability.kind, nameForRules(capability.kind, source, capability.name));
  if (plan === undefined) return undefined;
  if (!edge.audit.payloads.accepting()) return settle(call, plan, 'spool_full', source.strict);
  const key = edge.payloadKeys.of(call.caller.principal);
  if (!(key instanceof Promise)) return settle(call, plan, key, source.strict);
  return call.exchange.facts.waiting('lease', key, edge.clock).then((late) => settle(call, plan, late, source.strict));
}

function settle(
  { exchange: { facts }, caller, inbound: { bytes, envelope } }: Call,
  plan: CapturePlan,
  key: PayloadKey | NoPayloadKey | 'spool_full',
  isStrict: boolean,
): Refusal | undefined {
  if (typeof key === 'object') {
    facts.captured = { plan, key, tenant: caller.principal.tenant, bytes, envelope };
    return undefined;
  }
  facts.detail = { ...facts.detail, capture: 'unavailable', capture_failed: key };
  return isStrict ? new Refusal('audit_unavailable', SENTENCES[key], { retry_after_seconds: 30 }) : undefined;
}

const SENTENCES = {
  vault_unavailable:
    'What is said here has to be kept, and the token vault gives no key to keep it with, so the call is not made. The gateway’s administrators have to look at the token vault.',
  key_destroyed:
    'What is said here has to be kept, and the keys to keep it with were destroyed, so the call is not made. The gateway’s administrators have to change audit.capture of this server.',
  spool_full:
    'What is said here has to be kept, and the audit trail cannot take more now, so the call is not made. The gateway’s administrators have to free the spool.',
} as const;
