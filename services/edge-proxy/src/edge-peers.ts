import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { RpcMethod } from '@switchyard/contracts';
import { type Rpc, RpcUnavailable, type ServedInstance, serveInstance } from '@switchyard/messaging';
import type { EdgeContents } from './edge-contents.js';

/** The other edges: any of them may be asked for what one of them holds. */
export class EdgePeers {
  readonly #rpc: Rpc;
  readonly #served: ServedInstance[] = [];

  /**
   * @param rpc stays open when this closes
   * @param name of this process among all edges; no other has had it, so nothing is asked of the one that comes after it
   * @param contents packs what clients and upstreams say
   */
  constructor(
    rpc: Rpc,
    readonly name: string,
    readonly contents: EdgeContents,
  ) {
    this.#rpc = rpc;
  }

  /** Serves the other edges, under the name of this one. */
  async serve<Request extends DescMessage, Response extends DescMessage>(
    method: RpcMethod<Request, Response>,
    handle: (request: MessageShape<Request>) => MessageInitShape<Response> | Promise<MessageInitShape<Response>>,
  ): Promise<void> {
    this.#served.push(await serveInstance(this.#rpc, method, this.name, handle));
  }

  /**
   * Asks another edge.
   * @returns undefined where it is no more
   * @throws RpcFault where it failed
   */
  async ask<Request extends DescMessage, Response extends DescMessage>(
    edge: string,
    method: RpcMethod<Request, Response>,
    request: MessageInitShape<Request>,
    timeoutMs = 5_000,
  ): Promise<MessageShape<Response> | undefined> {
    try {
      return await this.#rpc.call(method, request, { instance: edge, timeoutMs });
    } catch (error) {
      if (error instanceof RpcUnavailable) return undefined;
      throw error;
    }
  }

  /** Takes nothing more from others, and waits for what is under way. */
  async close(): Promise<void> {
    await Promise.all(this.#served.splice(0).map((served) => served.close()));
  }
}
