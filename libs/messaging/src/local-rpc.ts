import type { DescMessage, JsonValue, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { BaseRpcContext, Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { rpcSubject, type RpcMethod } from '@switchyard/contracts';
import { firstValueFrom } from 'rxjs';
import { decodeReply, encodeMessage, nameOf } from './call-codec.js';
import { fulfilledWithin } from './pause.js';
import { defaultCallTimeoutMs, RpcFault, RpcUnavailable, type Rpc } from './rpc.js';

/** Nest's side of a LocalRpc: holds the handlers of one application while it listens. */
class LocalServer extends Server implements CustomTransportStrategy {
  readonly #listening: Set<LocalServer>;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(listening: Set<LocalServer>) {
    super();
    this.#listening = listening;
    this.initializeSerializer({});
    this.initializeDeserializer({});
  }

  listen(callback: () => void): void {
    this.#listening.add(this);
    callback();
  }

  /** Takes no new calls, and waits for those under way. */
  async close(): Promise<void> {
    this.#listening.delete(this);
    await Promise.allSettled(this.#underWay);
  }

  on(): void {
    throw new Error('a LocalServer has no events');
  }

  unwrap<T>(): T {
    throw new Error('a LocalServer wraps nothing');
  }

  serves(subject: string): boolean {
    return this.getHandlerByPattern(subject) !== null;
  }

  async handle(subject: string, payload: JsonValue): Promise<JsonValue | undefined> {
    const handler = this.getHandlerByPattern(subject);
    if (!handler) throw new Error(`no handler for ${subject}`);
    const answered = handler(payload, new BaseRpcContext([subject])).then((result: unknown) =>
      firstValueFrom(this.transformToObservable(result)),
    ) as Promise<JsonValue | undefined>;
    this.#underWay.add(answered);
    try {
      return await answered;
    } finally {
      this.#underWay.delete(answered);
    }
  }
}

/** Request/reply inside one process, through the same JSON as over NATS so that both behave alike. */
export class LocalRpc implements Rpc {
  readonly #listening = new Set<LocalServer>();
  #closed = false;

  async call<Request extends DescMessage, Response extends DescMessage>(
    method: RpcMethod<Request, Response>,
    request: MessageInitShape<Request>,
    options: { readonly timeoutMs?: number; readonly instance?: string } = {},
  ): Promise<MessageShape<Response>> {
    if (this.#closed) throw new RpcUnavailable(`${nameOf(method)}: the RPC is closed`);
    const subject = rpcSubject(method, options.instance);
    const server = [...this.#listening].find((listening) => listening.serves(subject));
    if (!server) throw new RpcUnavailable(`nobody serves ${nameOf(method)}`);
    const payload = overTheWire(encodeMessage(method.input, request));
    let reply: JsonValue = null;
    const answered = server.handle(subject, payload).then(
      (json) => (reply = overTheWire(json)),
      () => {
        // What the other side says of its failure stays with it: it may hold what only its own log should.
        throw new RpcFault(`${nameOf(method)} failed on the other side`);
      },
    );
    const inTime = await fulfilledWithin(answered, options.timeoutMs ?? defaultCallTimeoutMs);
    if (!inTime) throw new RpcUnavailable(`${nameOf(method)} did not answer in time`);
    return decodeReply(method, reply);
  }

  server(): { strategy: CustomTransportStrategy } {
    return { strategy: new LocalServer(this.#listening) };
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }
}

/** What a value is after it was JSON; `null` for nothing, which is no message either. */
const overTheWire = (json: JsonValue | undefined) => JSON.parse(JSON.stringify(json ?? null)) as JsonValue;
