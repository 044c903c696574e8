import type { Revocable } from '@switchyard/api-keys';
import type { Principal } from '@switchyard/contracts';
import type { Envelope, Era, MethodRow } from '@switchyard/mcp';
import type { TraceContext } from '@switchyard/telemetry';
import type { CallerScopes } from './caller-scopes.js';
import type { Cancellation } from './cancellation.js';
import type { Catalog, CompiledServer } from './catalog.js';
import type { Facts } from './facts.js';
import type { Reply } from './http/reply.js';
import type { RequestHead } from './http/request-head.js';
import type { Refusal } from './refusal.js';
import type { Placed } from './running.js';
import type { ClientSession } from './session-store.js';

/** Who has been let in. Made by `authenticate` alone. */
export interface Caller {
  readonly principal: Principal;
  readonly clientId: string;
  readonly scopes: CallerScopes;
  /** Who acts for the principal, the nearest first, separated by spaces. */
  readonly actors: string;
  /** What `whoIs` remembers. */
  readonly known: { teams: Catalog['teams'] | undefined; who: string };
  /** The same for the same principal under the same client alone: unlike what events say, it is never cut. */
  readonly key: string;
  /** What they were let in by. */
  readonly revocable: Revocable;
}

/** One HTTP exchange on an MCP endpoint, from its first byte to its event. */
export interface Exchange extends Placed {
  readonly requestId: string;
  readonly trace: TraceContext;
  readonly startedAtMicros: number;
  readonly head: RequestHead;
  readonly catalog: Catalog;
  readonly server: CompiledServer;
  readonly reply: Reply;
  /** When the client has gone or has cancelled, or the edge is stopped. */
  readonly cancellation: Cancellation;
  /** What its event will say; the spine adds to it as stages answer. */
  readonly facts: Facts;
  /** Who has been let in; written by `authenticate`. */
  caller: Caller | undefined;
  /** Why the gateway has ended it before its time; written before it is cancelled. */
  endedBy: Refusal | undefined;
}

/** A message that has passed the gate, and whose era is known. */
export interface Inbound {
  readonly bytes: Buffer;
  readonly envelope: Envelope;
  readonly era: Era;
  readonly revision: string;
  readonly row: MethodRow;
}

/** A caller's message, with the session that it belongs to where its era has sessions. */
export interface Call {
  readonly exchange: Exchange;
  readonly caller: Caller;
  readonly inbound: Inbound;
  readonly session: ClientSession | undefined;
}

/** As much of a call as its answer is made from: also where another edge was asked, which gives the answer to the client. */
export interface Round {
  readonly exchange: Pick<Exchange, 'requestId' | 'trace' | 'cancellation' | 'facts'> & {
    readonly server: Pick<CompiledServer, 'slug'>;
    readonly catalog: Pick<Catalog, 'revision' | 'teams' | 'publicUrl'>;
    readonly reply: Pick<Reply, 'message'>;
  };
  readonly caller: Caller;
  readonly inbound: Inbound;
}
