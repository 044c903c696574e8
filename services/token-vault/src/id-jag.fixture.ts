import { Controller, Inject, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload } from '@nestjs/microservices';
import {
  AssertionService,
  ObtainIdJagRequestSchema,
  ObtainIdJagResponseSchema,
  rpcSubject,
  type ObtainIdJagRequest,
} from '@switchyard/contracts';
import { encodeMessage, messagePipe, type Rpc } from '@switchyard/messaging';
import { sealTo } from '@switchyard/oauth';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import 'reflect-metadata';

/** The authorization server as far as the vault asks it for ID-JAGs. */
export interface Asserter extends AsyncDisposable {
  readonly requests: ObtainIdJagRequest[];
  /** What it refuses with. */
  refusal: { readonly reason: string; readonly message: string } | undefined;
  /** Fails, as where its store is away. */
  isBroken: boolean;
}

const ASSERTER = Symbol('asserter');

@Controller()
class ObtainIdJag {
  constructor(@Inject(ASSERTER) private readonly asserter: Asserter) {}

  @MessagePattern(rpcSubject(AssertionService.method.obtainIdJag))
  async obtain(@Payload(messagePipe(ObtainIdJagRequestSchema)) request: ObtainIdJagRequest): Promise<unknown> {
    const { requests, refusal, isBroken } = this.asserter;
    requests.push(request);
    if (isBroken) throw new Error('the store is away');
    if (refusal !== undefined) return encodeMessage(ObtainIdJagResponseSchema, { result: { case: 'refusal', value: refusal } });
    const idJag = `id-jag-${requests.length}-of-${request.principalSubject}`;
    const sealed = await sealTo(request.recipientJwk, Buffer.from(idJag));
    return encodeMessage(ObtainIdJagResponseSchema, { result: { case: 'idJag', value: { sealed } } });
  }
}

/** Serves the authorization server's side of `rpc`. */
export async function startAsserter(rpc: Rpc): Promise<Asserter> {
  const asserter: Asserter = {
    ...{ requests: [], refusal: undefined, isBroken: false },
    [Symbol.asyncDispose]: () => app.close(),
  };
  @Module({ controllers: [ObtainIdJag], providers: [{ provide: ASSERTER, useValue: asserter }] })
  class AsserterModule {}
  const app = await NestFactory.createMicroservice(AsserterModule, { ...rpc.server(), logger: false, abortOnError: false });
  await app.listen();
  return asserter;
}

/** The authorization server of an upstream, which takes every assertion. */
export interface AssertedServer extends AsyncDisposable {
  readonly issuer: string;
  readonly asked: { readonly authorization: string | undefined; readonly form: Readonly<Record<string, string>> }[];
  /** Members of its answers that stand instead. */
  over: Record<string, unknown>;
  /** What it answers instead. */
  failing: { readonly status: number; readonly error: string } | undefined;
}

/** Starts it on a free port. */
export async function startAssertedServer(): Promise<AssertedServer> {
  const server = createServer((request, response) => {
    const json = (status: number, body: object) =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const { issuer, asked } = running;
    if (request.url === '/.well-known/oauth-authorization-server')
      return json(200, { issuer, token_endpoint: `${issuer}/token`, response_types_supported: [] });
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
      asked.push({ authorization: request.headers.authorization, form });
      if (running.failing !== undefined)
        return json(running.failing.status, { error: running.failing.error, error_description: 'canary of a stranger' });
      const sub = /-of-(.*)$/.exec(form['assertion'] ?? '')?.[1] ?? '';
      json(200, { access_token: `token-${asked.length}-of-${sub}`, token_type: 'Bearer', expires_in: 600, ...running.over });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const running: AssertedServer = {
    issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ asked: [], over: {}, failing: undefined },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
  return running;
}
