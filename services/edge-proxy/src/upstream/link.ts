import type { CredentialMaterial } from '@switchyard/contracts';
import type { Envelope, Era } from '@switchyard/mcp';
import type { TraceContext } from '@switchyard/telemetry';
import type { Cancellation } from '../cancellation.js';
import type { Catalog } from '../catalog.js';
import type { Caller } from '../exchange.js';
import type { RequestHead } from '../http/request-head.js';
import type { Refusal } from '../refusal.js';
import type { Challenge } from './challenge.js';

/** A JSON-RPC message from an upstream: its bytes and what the gate read in them. */
export interface UpstreamMessage {
  readonly bytes: Buffer;
  readonly envelope: Envelope;
}

/** The call that a message belongs to, as far as leasing a credential for it goes. */
export interface Behalf {
  readonly caller: Pick<Caller, 'principal' | 'clientId' | 'actors'>;
  readonly exchange: {
    readonly requestId: string;
    readonly trace: Pick<TraceContext, 'traceId'>;
    readonly server: { readonly slug: string };
    /** Of whom the client says that it is. */
    readonly facts: { readonly client_name: string; readonly client_version: string };
    readonly catalog: Pick<Catalog, 'upstreams' | 'teams' | 'publicUrl'>;
    readonly head: Pick<RequestHead, 'authorization'>;
  };
}

/** What every message to an upstream carries beside its body. */
export interface OutboundContext {
  /** Whose credential it is, as `credentialScope` says. */
  readonly scope: string;
  readonly credential: CredentialMaterial;
  /** Absent where the credential cannot be exchanged for another. */
  readonly behalf?: Behalf | undefined;
  readonly requestId: string;
  readonly traceparent: string;
  /** Whose message it is: the session, or where there is none the principal and client. */
  readonly owner: string;
}

/** A request to an upstream. */
export interface OutboundRequest extends OutboundContext {
  readonly era: Era;
  readonly revision: string;
  readonly method: string;
  /** Value of the Mcp-Name header towards modern upstreams: the upstream's own name or URI. */
  readonly name?: string | undefined;
  /** Further headers towards modern upstreams: Mcp-Param-*. */
  readonly paramHeaders?: Readonly<Record<string, string>> | undefined;
  /** The gateway's id for it, as JSON text; also its progress token. */
  readonly id: string;
  readonly body: Buffer;
  /** The upstream's session id, legacy only. */
  readonly session?: string | undefined;
  /** The client session that subscribes or unsubscribes; only with those methods. */
  readonly subscriber?: string | undefined;
  /** Longest silence. */
  readonly timeoutMs: number;
  /** Longest that the whole exchange may take; absent: as long as it will. */
  readonly limitMs?: number | undefined;
  /** When the client has gone or has cancelled. */
  readonly cancellation: Cancellation;
  /** Takes the notifications that precede the response, in order; the next is read when it has settled. */
  readonly onNotification: (message: UpstreamMessage) => Promise<void> | void;
  /** Told when the upstream has let go of the call's stream and is come back to: the response will take a while. */
  readonly onHeldUp?: (() => void) | undefined;
  /**
   * Takes what a legacy upstream asks while the call runs, `ping` apart. `answer` sends the response, to be called once. Absent: refused.
   */
  readonly onServerRequest?: ((message: UpstreamMessage, answer: (body: Buffer) => void) => void) | undefined;
}

/**
 * Exchanges a credential that an upstream has refused for another.
 * @returns undefined where there is no other; a refusal where the caller has to do something for one
 */
export type Renew = (
  context: Pick<OutboundContext, 'scope' | 'credential' | 'behalf'>,
  upstream: string,
  challenge: Challenge,
) => Promise<CredentialMaterial | Refusal | undefined>;

/** What became of a request. `sessionGone`: the upstream has not processed it, because its session has ended (MCP 2025-11-25, "Session Management"). */
export type UpstreamAnswer =
  | { readonly kind: 'response'; readonly message: UpstreamMessage; readonly status: number }
  | { readonly kind: 'sessionGone' }
  | {
      readonly kind: 'refused';
      readonly refusal: Refusal;
      /** HTTP status of the response that is the reason; 0 where no whole response came. */
      readonly status: number;
    };

/** What an upstream told of itself. */
export interface UpstreamProfile {
  readonly revision: string;
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly instructions: string;
}

/** What a legacy client's session has with an upstream: a session of its own, or, where the upstream is modern, what it told of itself. */
export interface LegacySession extends UpstreamProfile {
  /** Of the upstream, where it is not the client's; what is sent to it is then made modern. */
  readonly era?: 'modern' | undefined;
  /** The upstream's Mcp-Session-Id; absent where it has none (stateless servers, stdio). */
  readonly id?: string | undefined;
}

/** Receives what an upstream says by itself: list_changed, resources/updated, log messages. */
export interface UnsolicitedSink {
  readonly session: string;
  readonly onMessage: (message: UpstreamMessage) => void;
  /** Answers what the upstream asks of the client by itself, with the whole response. Absent: refused. */
  readonly onRequest?: ((message: UpstreamMessage) => Promise<Buffer>) | undefined;
  /** Told when the upstream has ended the session. */
  readonly onGone?: (() => void) | undefined;
  /** Told when the upstream is heard again and may have said something meanwhile. */
  readonly onMissed?: (() => void) | undefined;
}

/** The way to one upstream. Two implementations: HttpLink and StdioLink. */
export interface UpstreamLink {
  readonly name: string;
  /** Whose credential goes over it, as `credentialScope` says. */
  readonly scope: string;
  /** The definition of the upstream that it was made from; links of several scopes share it. */
  readonly definition: object;
  /** Whether something stands on it that would end with it: a stream, a session, a call. */
  readonly busy: boolean;
  /**
   * Performs the `initialize` handshake, or joins the session that stands (stdio).
   * @param capabilities what the client declared; a process that clients share is told what the gateway can carry instead
   */
  openLegacy(
    context: OutboundContext,
    cancellation: Cancellation,
    capabilities: Readonly<Record<string, unknown>>,
  ): Promise<LegacySession | Refusal>;
  /** Asks `server/discover`; answered from memory, and at once, while the verdict is fresh. */
  discover(context: OutboundContext, cancellation: Cancellation): UpstreamProfile | Refusal | Promise<UpstreamProfile | Refusal>;
  /** Sends a request and waits for its response. */
  request(request: OutboundRequest): Promise<UpstreamAnswer>;
  /** Sends a notification; what becomes of it is not told. */
  notify(
    message: Pick<
      OutboundRequest,
      'scope' | 'credential' | 'requestId' | 'traceparent' | 'era' | 'revision' | 'method' | 'body' | 'session' | 'owner'
    >,
  ): Promise<void>;
  /** Listens for what a legacy session says by itself, until the returned function is called. */
  listen(session: LegacySession, context: OutboundContext, sink: UnsolicitedSink): () => void;
  /** Ends a legacy session. `client` is the client's session that it served. */
  closeLegacy(session: LegacySession, context: OutboundContext, client: string): Promise<void>;
  /** Ends everything that the link holds. Idempotent. */
  close(): Promise<void>;
}
