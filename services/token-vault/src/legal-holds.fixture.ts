import { Controller, Inject, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload } from '@nestjs/microservices';
import {
  BeginErasureRequestSchema,
  BeginErasureResponseSchema,
  EndErasureRequestSchema,
  EndErasureResponseSchema,
  ErasureService,
  rpcSubject,
  type BeginErasureRequest,
  type EndErasureRequest,
} from '@switchyard/contracts';
import { encodeMessage, messagePipe, type Rpc } from '@switchyard/messaging';
import 'reflect-metadata';

/** Analytics as far as the vault asks it for legal holds. */
export interface HoldKeeper extends AsyncDisposable {
  /** What it refuses with. */
  refusal: { readonly reason: string; readonly holds: string[] } | undefined;
  /** What it was asked, in order. */
  readonly asked: string[];
}

const KEEPER = Symbol('hold keeper');

@Controller()
class Erasures {
  constructor(@Inject(KEEPER) private readonly keeper: HoldKeeper) {}

  @MessagePattern(rpcSubject(ErasureService.method.beginErasure))
  async begin(@Payload(messagePipe(BeginErasureRequestSchema)) request: BeginErasureRequest): Promise<unknown> {
    const { asked, refusal } = this.keeper;
    asked.push(`begin ${request.tenant} ${request.principalIssuer} ${request.principalSubject}`);
    const result =
      refusal === undefined
        ? ({ case: 'erasureId', value: `erasure-${asked.length}` } as const)
        : ({ case: 'refusal', value: refusal } as const);
    return encodeMessage(BeginErasureResponseSchema, { result });
  }

  @MessagePattern(rpcSubject(ErasureService.method.endErasure))
  async end(@Payload(messagePipe(EndErasureRequestSchema)) { erasureId }: EndErasureRequest): Promise<unknown> {
    this.keeper.asked.push(`end ${erasureId}`);
    return encodeMessage(EndErasureResponseSchema, {});
  }
}

/** Serves analytics' side of `rpc`. */
export async function startHoldKeeper(rpc: Rpc): Promise<HoldKeeper> {
  const keeper: HoldKeeper = { refusal: undefined, asked: [], [Symbol.asyncDispose]: () => app.close() };
  @Module({ controllers: [Erasures], providers: [{ provide: KEEPER, useValue: keeper }] })
  class KeeperModule {}
  const app = await NestFactory.createMicroservice(KeeperModule, { ...rpc.server(), logger: false, abortOnError: false });
  await app.listen();
  return keeper;
}
