import { randomBytes } from 'node:crypto';
import type { UpstreamMessage } from './upstream/link.js';
import { cancelledBody } from './upstream/profile.js';

/** Why a client's answer will not come. */
export type NoAnswer = 'late' | 'gone' | 'withdrawn' | 'too_many';

/** A request to a client. */
export interface Ask {
  /** Session that it is made in, and whose client alone may answer. */
  readonly session: string;
  /** The call or stream that it is made for: what it is released with. */
  readonly origin: string;
  /** The upstream's own id for it, as JSON text, where it has one. */
  readonly upstreamId?: string | undefined;
  /** Makes the request. @param id as JSON text, fresh in every session */
  readonly write: (id: string) => Buffer;
  /** Sends a message to the client, on the stream that this ask belongs to. */
  readonly send: (bytes: Buffer) => void;
  readonly timeoutMs: number;
}

interface Waiting {
  readonly ask: Ask;
  readonly id: string;
  readonly settle: (answer: UpstreamMessage | NoAnswer) => void;
}

const BOOT_BYTES = 9;
const ID = /^"([\w-]{12})-\d{1,16}"$/;

/** The edge that made an id; undefined for ids of a form that none makes. @param id JSON text */
export function ownerOf(id: string): string | undefined {
  return ID.exec(id)?.[1];
}

/** Requests of one origin that may wait at once. */
const MOST_OF_ORIGIN = 64;

/** Requests of this edge's to legacy clients that wait for their answers (MCP 2025-11-25, "Elicitation", "Sampling", "Roots"). */
export class ClientAsks {
  /** Names this process among all edges. In every id, so that those of several edges differ in a session, and answers find their way. */
  readonly boot = randomBytes(BOOT_BYTES).toString('base64url');
  #last = 0;
  readonly #waiting = new Map<string, Waiting>();
  readonly #ofOrigin = new Map<string, Set<Waiting>>();

  /** Requests that wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Asks, and waits for the client's response. Never rejects. A client that is not waited for any longer is told so. */
  ask(ask: Ask): Promise<UpstreamMessage | NoAnswer> {
    const siblings = this.#ofOrigin.get(ask.origin) ?? new Set();
    if (siblings.size >= MOST_OF_ORIGIN) return Promise.resolve('too_many');
    this.#last += 1;
    const id = `"${this.boot}-${this.#last}"`;
    const key = keyOf(ask.session, id);
    return new Promise((resolve) => {
      const settle = (answer: UpstreamMessage | NoAnswer) => {
        if (!this.#waiting.delete(key)) return;
        clearTimeout(timer);
        siblings.delete(waiting);
        if (siblings.size === 0) this.#ofOrigin.delete(ask.origin);
        if (typeof answer === 'string') ask.send(cancelledBody(id));
        resolve(answer);
      };
      const timer = setTimeout(() => settle('late'), ask.timeoutMs);
      const waiting: Waiting = { ask, id, settle };
      this.#waiting.set(key, waiting);
      this.#ofOrigin.set(ask.origin, siblings.add(waiting));
      ask.send(ask.write(id));
    });
  }

  /** Gives a client's response to whoever waits for it. @returns false where nobody in this session does */
  answer(session: string, message: UpstreamMessage): boolean {
    const waiting = this.#waiting.get(keyOf(session, message.envelope.id));
    waiting?.settle(message);
    return waiting !== undefined;
  }

  /** The upstream no longer wants an answer. @param upstreamId the id that it asked under, as JSON text */
  withdraw(origin: string, upstreamId: string | undefined): void {
    for (const { ask, settle } of this.#of(origin)) if (ask.upstreamId === upstreamId) settle('withdrawn');
  }

  /** Ends whatever still waits for an origin that has ended itself. */
  release(origin: string): void {
    for (const { settle } of this.#of(origin)) settle('gone');
  }

  #of(origin: string): Waiting[] {
    return [...(this.#ofOrigin.get(origin) ?? [])];
  }
}

const keyOf = (session: string, id: string) => `${session}\n${id}`;
