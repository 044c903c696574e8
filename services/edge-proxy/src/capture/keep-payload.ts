import { payloadDigest, sealPayload, SpoolFull } from '@switchyard/audit';
import { memberAt, scanMessage, type Range } from '@switchyard/mcp';
import { randomBytes } from 'node:crypto';
import type { Edge } from '../edge.js';
import type { Ending } from '../ending.js';
import type { Facts } from '../facts.js';
import type { CapturedCall } from './captured-call.js';
import { renderPayload, type PayloadParts } from './render-payload.js';

const idBytes = 16;

/**
 * Keeps what a call said, encrypted, and has its event refer to it, or say that it was not kept.
 * @param isStrict whether it has to be on the disk, and not only in the kernel
 * @returns why it was not kept; undefined where it was. The event is to be recorded then
 */
export async function keepPayload(
  captured: CapturedCall,
  facts: Facts,
  ending: Ending,
  isStrict: boolean,
  { audit }: Pick<Edge, 'audit'>,
): Promise<SpoolFull | undefined> {
  const { plan, key, tenant } = captured;
  const binding = { tenant, payloadId: randomBytes(idBytes).toString('hex'), keyId: key.id };
  const sealed = sealPayload(key.content, binding, renderPayload(plan, partsOf(captured, ending), key.redaction));
  try {
    await audit.payloads.keep({ ...binding, sealed });
    if (isStrict) await audit.payloads.synced();
  } catch (error) {
    if (!(error instanceof SpoolFull)) throw error;
    facts.detail = { ...facts.detail, capture: 'unavailable', capture_failed: 'spool_full' };
    return error;
  }
  facts.detail = {
    ...facts.detail,
    capture: plan.mode,
    payload: binding.payloadId,
    payload_sha256: payloadDigest(sealed),
  };
  return undefined;
}

function partsOf({ bytes, envelope }: CapturedCall, ending: Ending): PayloadParts {
  // Of completion/complete the one argument that is completed.
  const given = envelope.argumentsRange ?? memberAt(bytes, envelope.paramsRange, 'argument');
  const said = { arguments: at(bytes, given), input_responses: at(bytes, envelope.inputResponsesRange) };
  if (ending.kind !== 'response') return said;
  const answer = scanMessage(ending.bytes);
  if (!answer.ok) return said;
  return { ...said, result: at(ending.bytes, answer.resultRange), error: at(ending.bytes, answer.errorRange) };
}

const at = (bytes: Buffer, range: Range | undefined) => range && bytes.subarray(range.start, range.end);
