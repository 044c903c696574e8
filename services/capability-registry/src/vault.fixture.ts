import { Controller, Inject, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload } from '@nestjs/microservices';
import {
  ApplyCredentialsRequestSchema,
  ApplyCredentialsResponseSchema,
  rpcSubject,
  VaultService,
  type ApplyCredentialsRequest,
} from '@switchyard/contracts';
import { encodeMessage, messagePipe, type Rpc } from '@switchyard/messaging';
import 'reflect-metadata';

/** A vault as far as the registry knows it: what it was asked, and what it answers. */
export interface Vault {
  readonly requests: ApplyCredentialsRequest[];
  /** References that have no value, as `${…}` text. */
  readonly missing: Set<string>;
  /** Part of every version that it gives. */
  generation: number;
  close(): Promise<void>;
}

const VAULT = Symbol('vault');

@Controller()
class ApplyCredentials {
  constructor(@Inject(VAULT) private readonly vault: Vault) {}

  @MessagePattern(rpcSubject(VaultService.method.applyCredentials))
  apply(@Payload(messagePipe(ApplyCredentialsRequestSchema)) request: ApplyCredentialsRequest): unknown {
    this.vault.requests.push(request);
    const problems = request.credentials.flatMap(({ upstream, headers, env }) =>
      [...Object.values({ ...headers, ...env })]
        .filter((value) => this.vault.missing.has(value))
        .map((value) => ({ upstream, message: `${value} is not stored. Store it.` })),
    );
    const version = `v${this.vault.generation}`;
    const versions =
      problems.length > 0 ? {} : Object.fromEntries(request.credentials.map(({ upstream }) => [upstream, version]));
    return encodeMessage(ApplyCredentialsResponseSchema, { versions, problems });
  }
}

/** Serves the vault's side of `rpc`. */
export async function startVault(rpc: Rpc, missing: readonly string[] = []): Promise<Vault> {
  const vault: Vault = { requests: [], missing: new Set(missing), generation: 1, close: () => app.close() };
  @Module({ controllers: [ApplyCredentials], providers: [{ provide: VAULT, useValue: vault }] })
  class VaultModule {}
  const app = await NestFactory.createMicroservice(VaultModule, { ...rpc.server(), logger: false, abortOnError: false });
  await app.listen();
  return vault;
}
