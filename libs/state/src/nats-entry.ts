import type { MsgHdrs } from '@nats-io/nats-core';

/** Header that names one conditional write, so that its writer recognises it when the answer was lost. */
export const writeIdHeader = 'Switchyard-Write-Id';
/** Header by which JetStream KV marks deletions (NATS ADR-8). */
export const operationHeader = 'KV-Operation';

/** Whether the last message of a key says that the key is gone: deleted by someone, or at the end of its time to live. */
export function isDeletion(headers: MsgHdrs | undefined): boolean {
  const operation = headers?.get(operationHeader) ?? '';
  const marker = headers?.get('Nats-Marker-Reason') ?? '';
  return operation === 'DEL' || operation === 'PURGE' || marker !== '';
}
