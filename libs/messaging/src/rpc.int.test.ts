import { Controller, Module, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload, RpcException, type MicroserviceOptions } from '@nestjs/microservices';
import {
  LeaseCredentialRequestSchema,
  LeaseCredentialResponseSchema,
  VaultService,
  rpcSubject,
  type LeaseCredentialRequest,
} from '@switchyard/contracts';
import { natsUrl, unusedName } from '@switchyard/testing';
import 'reflect-metadata';
import { encodeMessage } from './call-codec.js';
import { LocalRpc } from './local-rpc.js';
import { messagePipe } from './message-pipe.js';
import { connectNats } from './nats-link.js';
import { NatsRpc } from './nats-rpc.js';
import { RpcFault, RpcUnavailable, type Rpc } from './rpc.js';
import { serveInstance } from './serve-instance.js';

const secret = 'planted-secret';
const lease = VaultService.method.leaseCredential;
let arrived: LeaseCredentialRequest[] = [];
let release = Promise.withResolvers<void>();

const answers: Record<string, () => unknown> = {
  lease: () =>
    encodeMessage(LeaseCredentialResponseSchema, { result: { case: 'lease', value: { sealed: 'a.b.c', version: 'ü1' } } }),
  later: () => release.promise.then(() => answers['lease']?.()),
  error: () => Promise.reject(new Error(secret)),
  exception: () => Promise.reject(new RpcException({ message: secret, status: 'error' })),
  nothing: () => undefined,
  garbage: () => ({ lease: 7 }),
  newer: () => ({ lease: { sealed: 'a.b.c', version: '1', addedLater: true } }),
};

@Controller()
class VaultRpc {
  @MessagePattern(rpcSubject(lease))
  lease(@Payload(messagePipe(LeaseCredentialRequestSchema)) request: LeaseCredentialRequest): unknown {
    arrived.push(request);
    return answers[request.upstream]?.();
  }
}

@Module({ controllers: [VaultRpc] })
class VaultModule {}

const adapters: readonly { name: string; open: () => Promise<{ rpc: Rpc; close: () => Promise<void> }> }[] = [
  {
    name: 'LocalRpc',
    open: () => {
      const rpc = new LocalRpc();
      return Promise.resolve({ rpc, close: () => rpc.close() });
    },
  },
  {
    name: 'NatsRpc',
    open: async () => {
      const link = await connectNats({ servers: [natsUrl()], name: 'rpc-test' });
      const rpc = new NatsRpc(link, unusedName('vault'));
      return { rpc, close: () => rpc.close().then(() => link.close()) };
    },
  },
];

describe.each(adapters)('$name', ({ open }) => {
  let rpc: Rpc;
  let close: () => Promise<void>;
  const apps: INestMicroservice[] = [];

  async function serve(): Promise<INestMicroservice> {
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(VaultModule, { ...rpc.server(), logger: false });
    apps.push(app);
    await app.listen();
    return app;
  }

  const call = (upstream: string, timeoutMs?: number) =>
    rpc.call(lease, { tenant: 'default', upstream }, timeoutMs === undefined ? {} : { timeoutMs });

  beforeEach(async () => {
    arrived = [];
    release = Promise.withResolvers<void>();
    ({ rpc, close } = await open());
  });
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
    await close();
  });

  it('RPC-1 carries a message there and one back', async () => {
    await serve();
    const response = await call('lease');
    expect(response.result).toMatchObject({ case: 'lease', value: { sealed: 'a.b.c', version: 'ü1' } });
    expect(arrived).toMatchObject([{ tenant: 'default', upstream: 'lease', requestId: '' }]);
  });

  it('RPC-2 nobody there: RpcUnavailable at once', async () => {
    const startedAt = performance.now();
    await expect(call('lease', 100_000)).rejects.toThrow(RpcUnavailable);
    expect(performance.now() - startedAt).toBeLessThan(50_000);
  });

  it('RPC-3 no answer in time: RpcUnavailable', async () => {
    await serve();
    await expect(call('later', 50)).rejects.toThrow(RpcUnavailable);
    release.resolve();
  });

  it.each(['error', 'exception', 'garbage'])('RPC-4 the handler fails (%s): RpcFault, and nothing of why', async (upstream) => {
    await serve();
    const error: unknown = await call(upstream).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RpcFault);
    expect(`${(error as Error).message} ${(error as Error).stack ?? ''}`).not.toContain(secret);
  });

  it('RPC-5 a handler that answers with nothing is a fault, not a hang', async () => {
    await serve();
    await expect(call('nothing')).rejects.toThrow(RpcFault);
  });

  it('RPC-6 fields of a newer version are left out', async () => {
    await serve();
    expect((await call('newer')).result).toMatchObject({ case: 'lease', value: { version: '1' } });
  });

  it('RPC-7 many calls at once get each their own answer', async () => {
    await serve();
    const calls = Array.from({ length: 100 }, (_, index) => call(index % 2 === 0 ? 'lease' : 'newer'));
    const versions = (await Promise.all(calls)).map(({ result }) => (result.case === 'lease' ? result.value.version : ''));
    expect(versions).toEqual(versions.map((_, index) => (index % 2 === 0 ? 'ü1' : '1')));
  });

  it('RPC-8 closing the application lets a call under way finish and takes no further one', async () => {
    const app = await serve();
    const underWay = call('later');
    await expect(call('lease')).resolves.toBeDefined();
    expect(arrived.map(({ upstream }) => upstream)).toEqual(['later', 'lease']);
    const closed = app.close();
    release.resolve();
    expect((await underWay).result.case).toBe('lease');
    await closed;
    await expect(call('lease')).rejects.toThrow(RpcUnavailable);
  });

  it('RPC-9 instances of one service share the calls: each is handled once', async () => {
    await serve();
    await serve();
    await Promise.all(Array.from({ length: 20 }, () => call('lease')));
    expect(arrived).toHaveLength(20);
  });

  it('RPC-11 an instance that serves for itself gets its own calls and no others', async () => {
    const handle =
      (version: string) =>
      ({ upstream }: LeaseCredentialRequest) => {
        if (upstream === 'error') throw new Error(secret);
        return { result: { case: 'lease' as const, value: { sealed: 's', version } } };
      };
    const instances = [unusedName('one'), unusedName('two')] as const;
    const served = await Promise.all(instances.map((instance) => serveInstance(rpc, lease, instance, handle(instance))));
    const ask = (instance: string, upstream = 'x') => rpc.call(lease, { tenant: 'default', upstream }, { instance });
    for (const instance of instances) expect((await ask(instance)).result).toMatchObject({ value: { version: instance } });
    await expect(ask(instances[0], 'error')).rejects.toThrow(RpcFault);
    await expect(ask('nobody')).rejects.toThrow(RpcUnavailable);
    await expect(call('lease')).rejects.toThrow(RpcUnavailable);
    await served[0]?.close();
    await expect(ask(instances[0])).rejects.toThrow(RpcUnavailable);
    expect((await ask(instances[1])).result).toMatchObject({ value: { version: instances[1] } });
    await served[1]?.close();
  });

  it('RPC-10 after close, calls fail; closing twice is fine', async () => {
    await serve();
    await rpc.close();
    await rpc.close();
    await expect(call('lease')).rejects.toThrow(RpcUnavailable);
  });
});
