import { DEFAULT_TENANT, EdgeService } from '@switchyard/contracts';
import { type Rpc, RpcFault, RpcUnavailable, type ServedInstance, serveInstance } from '@switchyard/messaging';
import { scanMessage } from '@switchyard/mcp';
import type { ClientAsks } from './client-asks.js';

const { deliverAnswer } = EdgeService.method;

/** The other edges: any of them may receive the answer that one of them waits for. */
export class EdgePeers {
  readonly #rpc: Rpc;
  readonly #served: ServedInstance;

  private constructor(rpc: Rpc, served: ServedInstance) {
    this.#rpc = rpc;
    this.#served = served;
  }

  /** Serves the other edges under the name that this edge's requests carry. */
  static async open(rpc: Rpc, asks: ClientAsks): Promise<EdgePeers> {
    const served = await serveInstance(rpc, deliverAnswer, asks.boot, ({ tenant, session, message }) => {
      const bytes = Buffer.from(message);
      const envelope = scanMessage(bytes);
      const isAnswer = tenant === DEFAULT_TENANT && envelope.ok && envelope.kind === 'response';
      return { taken: isAnswer && asks.answer(session, { bytes, envelope }) };
    });
    return new EdgePeers(rpc, served);
  }

  /** Gives an answer to the edge that asked. @returns false where it does not wait for it, or is no more */
  async deliver(owner: string, session: string, message: Buffer): Promise<boolean> {
    try {
      const request = { tenant: DEFAULT_TENANT, session, message };
      return (await this.#rpc.call(deliverAnswer, request, { instance: owner })).taken;
    } catch (error) {
      if (error instanceof RpcUnavailable || error instanceof RpcFault) return false;
      throw error;
    }
  }

  /** Takes no more answers from others. */
  close(): Promise<void> {
    return this.#served.close();
  }
}
