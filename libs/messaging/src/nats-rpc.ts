import type { DescMessage, JsonValue, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { CustomTransportStrategy } from '@nestjs/microservices';
import { EmptyResponseException } from '@nestjs/microservices/errors/empty-response.exception.js';
import { rpcSubject, type RpcMethod } from '@switchyard/contracts';
import { firstValueFrom, timeout, TimeoutError } from 'rxjs';
import { decodeReply, encodeMessage, nameOf } from './call-codec.js';
import type { NatsLink } from './nats-link.js';
import { LinkedNatsClient, LinkedNatsServer } from './nats-rpc-transport.js';
import { defaultCallTimeoutMs, RpcFault, RpcUnavailable, type Rpc } from './rpc.js';

/** Request/reply over NATS. */
export class NatsRpc implements Rpc {
  readonly #link: NatsLink;
  readonly #service: string;
  readonly #client: LinkedNatsClient;
  #closed = false;

  /**
   * @param link stays open when this closes: others may use it
   * @param service name of the service; its instances share the calls to it
   */
  constructor(link: NatsLink, service: string) {
    this.#link = link;
    this.#service = service;
    this.#client = new LinkedNatsClient(link);
  }

  async call<Request extends DescMessage, Response extends DescMessage>(
    method: RpcMethod<Request, Response>,
    request: MessageInitShape<Request>,
    options: { readonly timeoutMs?: number; readonly instance?: string } = {},
  ): Promise<MessageShape<Response>> {
    if (this.#closed || this.#link.connection.isClosed()) throw new RpcUnavailable(`${nameOf(method)}: the RPC is closed`);
    const timeoutMs = options.timeoutMs ?? defaultCallTimeoutMs;
    const payload = encodeMessage(method.input, request);
    const replies = this.#client.send<JsonValue>(rpcSubject(method, options.instance), payload).pipe(timeout(timeoutMs));
    const reply = await firstValueFrom(replies).catch((error: unknown) => {
      throw callError(method, error);
    });
    return decodeReply(method, reply);
  }

  server(): { strategy: CustomTransportStrategy } {
    return { strategy: new LinkedNatsServer(this.#link.connection, this.#service) };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#client.close();
  }
}

/** What the other side says of its failure stays with it: it may hold what only its own log should. */
function callError(method: RpcMethod, error: unknown): Error {
  if (error instanceof TimeoutError) return new RpcUnavailable(`${nameOf(method)} did not answer in time`);
  // NATS answers for an absent service with an empty message, status 503, which Nest reports as an EmptyResponseException.
  if (error instanceof EmptyResponseException) return new RpcUnavailable(`nobody serves ${nameOf(method)}`);
  return new RpcFault(`${nameOf(method)} failed on the other side`);
}
