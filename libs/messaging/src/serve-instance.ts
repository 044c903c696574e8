import type { DescMessage, JsonValue, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { Server } from '@nestjs/microservices';
import { rpcSubject, type RpcMethod } from '@switchyard/contracts';
import { decodeMessage, encodeMessage } from './call-codec.js';
import { defer } from 'rxjs';
import type { Rpc } from './rpc.js';

/** A method that one instance of a service serves for itself. */
export interface ServedInstance {
  /** Takes no new calls, and waits for those under way. */
  close(): Promise<void>;
}

/**
 * Serves a method under the name of one instance, so that `rpc.call(…, { instance })` reaches exactly that one.
 * @param handle answers a call; what it throws the caller sees as an RpcFault
 */
export async function serveInstance<Request extends DescMessage, Response extends DescMessage>(
  rpc: Rpc,
  method: RpcMethod<Request, Response>,
  instance: string,
  handle: (request: MessageShape<Request>) => MessageInitShape<Response> | Promise<MessageInitShape<Response>>,
): Promise<ServedInstance> {
  const options = rpc.server();
  if (!('strategy' in options) || !(options.strategy instanceof Server)) throw new Error('the RPC has no server of its own');
  const { strategy } = options;
  strategy.addHandler(rpcSubject(method, instance), (payload: JsonValue) =>
    Promise.resolve(
      // As an observable, whose failure the transport tells the caller; that of a promise it does not.
      defer(async () => encodeMessage(method.output, await handle(decodeMessage(method.input, payload)))),
    ),
  );
  await new Promise<void>((resolve, reject) => {
    strategy.listen((error?: unknown) => {
      if (error instanceof Error) reject(error);
      else resolve();
    });
  });
  return { close: async () => void (await strategy.close()) };
}
