import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { RpcMethod } from '@switchyard/contracts';
import type { CustomTransportStrategy, MicroserviceOptions } from '@nestjs/microservices';

/** Longest wait for an answer unless told. */
export const defaultCallTimeoutMs = 2_000;

/** Request/reply between services, with the contracts of proto/ as ProtoJSON. Two adapters: NatsRpc and LocalRpc. */
export interface Rpc {
  /**
   * Calls a method of another service.
   * @param options.timeoutMs longest wait for the answer, 2000 unless told
   * @param options.instance the one that is to answer (`serveInstance`); any unless told
   * @throws RpcUnavailable when nobody answers in time; RpcFault when the other side failed
   */
  call<Request extends DescMessage, Response extends DescMessage>(
    method: RpcMethod<Request, Response>,
    request: MessageInitShape<Request>,
    options?: { readonly timeoutMs?: number; readonly instance?: string },
  ): Promise<MessageShape<Response>>;
  /** Options for Nest's `app.connectMicroservice()`: serves the `@MessagePattern(rpcSubject(…))` handlers of that application. */
  server(): MicroserviceOptions | { strategy: CustomTransportStrategy };
  /** Idempotent. */
  close(): Promise<void>;
}

/** Nobody answered, or not in time. */
export class RpcUnavailable extends Error {
  override readonly name = 'RpcUnavailable';
}

/** The other side failed; its cause is in its log, under the same request id. */
export class RpcFault extends Error {
  override readonly name = 'RpcFault';
}
