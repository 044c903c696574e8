import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import {
  type EventFields,
  OpenPayloadRequestSchema,
  OpenPayloadResponseSchema,
  type OpenPayloadRequest,
  rpcSubject,
  VaultService,
} from '@switchyard/contracts';
import { encodeMessage, messagePipe } from '@switchyard/messaging';
import { sealTo } from '@switchyard/oauth';
import { StateUnavailable } from '@switchyard/state';
import { KmsUnavailable } from '../kms/kms.js';
import type { OpenedPayload } from '../payloads/payload-keys.js';
import { VaultContext } from '../vault-context.js';

const MESSAGES = {
  erased: 'It was erased: the key that it was encrypted with was destroyed.',
  damaged: 'What is stored is not what was captured.',
  unavailable: 'The key service, the state or the audit trail cannot be reached.',
} as const;

const STATUS = { erased: 410, damaged: 409 } as const;

/** Decrypts a captured payload for an auditor. Nothing leaves before the event of it is recorded. NATS lets analytics alone ask. */
@Controller()
export class OpenPayloadHandler {
  readonly #vault: VaultContext;

  constructor(vault: VaultContext) {
    this.#vault = vault;
  }

  @MessagePattern(rpcSubject(VaultService.method.openPayload))
  async handle(@Payload(messagePipe(OpenPayloadRequestSchema)) request: OpenPayloadRequest): Promise<unknown> {
    const { audit, payloads, tenant } = this.#vault;
    if (request.tenant !== tenant || request.reader === undefined || !audit.accepting()) return refuse('unavailable');
    const opened = await this.#read(() => payloads.read({ ...request, sealed: request.ciphertext }));
    if (opened === undefined) return refuse('unavailable');
    await audit.record(eventOf(request, opened));
    if (opened.state !== 'open') return refuse(opened.state);
    const sealed = await sealTo(request.recipientJwk, opened.payload);
    opened.payload.fill(0);
    return encodeMessage(OpenPayloadResponseSchema, { result: { case: 'sealed', value: sealed } });
  }

  async #read(work: () => Promise<OpenedPayload>): Promise<OpenedPayload | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof KmsUnavailable || error instanceof StateUnavailable)) throw error;
      this.#vault.log.warn('a captured payload cannot be opened at the moment', { error });
      return undefined;
    }
  }
}

function eventOf({ reader, eventId, payloadId }: OpenPayloadRequest, opened: OpenedPayload): EventFields {
  const detail = { event: eventId, payload: payloadId };
  const who = {
    type: 'payload.read',
    request_id: reader?.requestId ?? '',
    trace_id: reader?.traceId ?? '',
    principal_issuer: reader?.issuer ?? '',
    principal_subject: reader?.subject ?? '',
    principal_name: reader?.name ?? '',
    principal_kind: reader?.kind ?? '',
    client_id: reader?.clientId ?? '',
  } as const;
  if (opened.state === 'open') return { ...who, outcome: 'ok', http_status: 200, detail };
  const { state, cause } = opened;
  return {
    ...who,
    outcome: 'error',
    reason: `payload_${state}`,
    http_status: STATUS[state],
    severity: state === 'damaged' ? 'critical' : '',
    detail: { ...detail, cause },
  };
}

const refuse = (reason: keyof typeof MESSAGES): unknown =>
  encodeMessage(OpenPayloadResponseSchema, { result: { case: 'refusal', value: { reason, message: MESSAGES[reason] } } });
