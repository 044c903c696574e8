import { randomUUID } from 'node:crypto';
import type { Cancellation } from '../cancellation.js';
import { Refusal } from '../refusal.js';
import type { HttpLinkOptions } from './http-link.js';
import type { LegacySession, OutboundContext, OutboundRequest, UnsolicitedSink, UpstreamAnswer } from './link.js';
import { INITIALIZED_BODY, initializeBody, LEGACY_UPSTREAM_REVISION, readInitializeResult } from './profile.js';
import { SseConnection } from './sse-connection.js';

/** Begins the ids of such sessions. The space tells them from every Mcp-Session-Id, which has visible characters only. */
const PREFIX = 'http+sse ';

/** Longest wait for the stream's beginning, and for the handshake on it. */
const HANDSHAKE_MS = 10_000;

/** Whether a session is one over HTTP+SSE: such an id is this process's own, and never sent. */
export function isSseSession(id: string | undefined): id is string {
  return id !== undefined && id.startsWith(PREFIX);
}

/** The sessions over HTTP+SSE with one upstream (MCP 2024-11-05, "HTTP with SSE"): each is a connection, and lives in this process. */
export class SseSessions {
  readonly #options: HttpLinkOptions;
  readonly #connections = new Map<string, SseConnection>();

  constructor(options: HttpLinkOptions) {
    this.#options = options;
  }

  /** Sessions that stand. */
  get size(): number {
    return this.#connections.size;
  }

  /** Opens a session. @returns undefined where what answers is no HTTP+SSE server */
  async open(
    context: OutboundContext,
    cancellation: Cancellation,
    capabilities: Readonly<Record<string, unknown>>,
  ): Promise<LegacySession | Refusal | undefined> {
    const { http, name, url, resultLimitBytes, ids } = this.#options;
    const session = PREFIX + randomUUID();
    const connection = await SseConnection.open({
      http,
      upstream: name,
      url,
      context,
      resultLimitBytes,
      openTimeoutMs: HANDSHAKE_MS,
      onEnd: () => void this.#connections.delete(session),
    });
    if (!(connection instanceof SseConnection)) return connection;
    if (!connection.over) this.#connections.set(session, connection);
    const id = ids.next();
    const revision = LEGACY_UPSTREAM_REVISION;
    const waits = { timeoutMs: HANDSHAKE_MS, limitMs: HANDSHAKE_MS, cancellation, onNotification: () => undefined };
    const body = initializeBody(id, capabilities);
    const answer = await connection.request({ ...context, ...waits, era: 'legacy', revision, method: 'initialize', id, body });
    const profile = this.#profileOf(answer);
    if (profile instanceof Refusal) {
      connection.close();
      return profile;
    }
    await connection.notify({ ...context, revision: profile.revision, method: 'notifications/initialized' }, INITIALIZED_BODY);
    return { ...profile, id: session };
  }

  /** Sends a request in its session; one that this process does not have, or no longer, is gone. */
  request(request: OutboundRequest): Promise<UpstreamAnswer> {
    const connection = this.#connections.get(request.session ?? '');
    return connection?.request(request) ?? Promise.resolve({ kind: 'sessionGone' });
  }

  /** Sends a message that has no response. */
  notify(message: Parameters<SseConnection['notify']>[0], session: string, body: Buffer): Promise<void> {
    return this.#connections.get(session)?.notify(message, body) ?? Promise.resolve();
  }

  /** Hands over what a session's upstream says by itself, until the returned function is called. */
  listen(session: string, sink: UnsolicitedSink): () => void {
    return this.#connections.get(session)?.listen(sink) ?? (() => undefined);
  }

  /** Ends a session. */
  end(session: string): void {
    this.#connections.get(session)?.close();
  }

  /** Ends all. Idempotent. */
  close(): void {
    for (const connection of this.#connections.values()) connection.close();
  }

  #profileOf(answer: UpstreamAnswer): ReturnType<typeof readInitializeResult> {
    const { name } = this.#options;
    if (answer.kind === 'response') return readInitializeResult(name, answer.message);
    if (answer.kind === 'refused') return answer.refusal;
    return new Refusal('upstream_invalid', `${name} does not know the session that it has just begun.`, { upstream: name });
  }
}
