import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { Problem } from '@switchyard/admin-api';
import {
  BeginErasureRequestSchema,
  BeginErasureResponseSchema,
  DEFAULT_TENANT,
  EndErasureRequestSchema,
  EndErasureResponseSchema,
  ErasureService,
  rpcSubject,
  type BeginErasureRequest,
  type EndErasureRequest,
} from '@switchyard/contracts';
import { encodeMessage, messagePipe } from '@switchyard/messaging';
import { StateUnavailable } from '@switchyard/state';
import { RetentionApi } from './retention-api.js';

/** Tells the token vault whether legal holds let it erase. NATS lets nobody else ask. */
@Controller()
export class ErasuresHandler {
  constructor(private readonly api: RetentionApi) {}

  @MessagePattern(rpcSubject(ErasureService.method.beginErasure))
  async begin(@Payload(messagePipe(BeginErasureRequestSchema)) request: BeginErasureRequest): Promise<unknown> {
    if (request.tenant !== DEFAULT_TENANT) return refuse('unknown_tenant');
    try {
      const begun = await this.api.erasures.begin({ issuer: request.principalIssuer, subject: request.principalSubject });
      if ('holds' in begun)
        return refuse(
          'held',
          begun.holds.map(({ name }) => name),
        );
      return encodeMessage(BeginErasureResponseSchema, { result: { case: 'erasureId', value: begun.id } });
    } catch (error) {
      if (error instanceof StateUnavailable || error instanceof Problem) return refuse('unavailable');
      throw error;
    }
  }

  @MessagePattern(rpcSubject(ErasureService.method.endErasure))
  async end(@Payload(messagePipe(EndErasureRequestSchema)) { tenant, erasureId }: EndErasureRequest): Promise<unknown> {
    if (tenant === DEFAULT_TENANT) await this.api.erasures.end(erasureId);
    return encodeMessage(EndErasureResponseSchema, {});
  }
}

const refuse = (reason: 'held' | 'unknown_tenant' | 'unavailable', holds: readonly string[] = []): unknown =>
  encodeMessage(BeginErasureResponseSchema, { result: { case: 'refusal', value: { reason, holds: [...holds] } } });
