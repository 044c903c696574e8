import { DEFAULT_TENANT, EdgeStreamService } from '@switchyard/contracts';
import { type Rpc, RpcFault, RpcUnavailable, type ServedInstance, serveInstance } from '@switchyard/messaging';
import type { SessionStore } from '../session-store.js';
import { inTime } from './in-time.js';

const { followSubscriptions } = EdgeStreamService.method;

/** Longest wait for an upstream to take a subscription into account; the client is answered then all the same. */
export const FOLLOW_MS = 3_000;
const CALL_MS = FOLLOW_MS + 1_000;

/** The other edges' standing streams: any edge may take a subscription, and one of them has the stream that it is for. */
export class StreamPeers {
  readonly #rpc: Rpc;
  readonly #served: ServedInstance;

  private constructor(rpc: Rpc, served: ServedInstance) {
    this.#rpc = rpc;
    this.#served = served;
  }

  /** Serves the other edges. @param name of this process among them */
  static async open(rpc: Rpc, name: string, sessions: SessionStore): Promise<StreamPeers> {
    const served = await serveInstance(rpc, followSubscriptions, name, async ({ tenant, session: id, upstream }) => {
      const session = tenant === DEFAULT_TENANT ? sessions.held(id) : undefined;
      if (session?.standing === undefined) return { held: false };
      await sessions.keep(session);
      const carried = await inTime(session.standing.follow(upstream), FOLLOW_MS);
      return { held: carried !== undefined, uris: carried?.resourceSubscriptions ?? [] };
    });
    return new StreamPeers(rpc, served);
  }

  /**
   * Tells an edge that a session's subscriptions have changed.
   * @param holder its name
   * @returns what the upstream carries of them; undefined where that edge does not hold the stream or does not know yet, or is no more
   */
  async follow(holder: string, session: string, upstream: string): Promise<readonly string[] | undefined> {
    try {
      const request = { tenant: DEFAULT_TENANT, session, upstream };
      const answer = await this.#rpc.call(followSubscriptions, request, { instance: holder, timeoutMs: CALL_MS });
      return answer.held ? answer.uris : undefined;
    } catch (error) {
      if (error instanceof RpcUnavailable || error instanceof RpcFault) return undefined;
      throw error;
    }
  }

  /** Serves the others no more. */
  close(): Promise<void> {
    return this.#served.close();
  }
}
