import type { Era } from '@switchyard/mcp';
import type { Clock } from '@switchyard/runtime';
import type { Logger } from '@switchyard/telemetry';
import { Refusal } from '../refusal.js';
import type { OutboundContext, UpstreamMessage, UpstreamProfile } from './link.js';
import { StdioSession } from './stdio-session.js';

const FIRST_BACKOFF_MS = 500;
const LAST_BACKOFF_MS = 30_000;
/** A process that has lasted so long does not crash at every start. */
const STEADY_MS = 60_000;

/** A process that has shaken hands. */
export interface Running {
  readonly session: StdioSession;
  readonly profile: UpstreamProfile;
}

/** What came of a handshake. A refusal that says something lasting of the program is believed for a while, without asking again. */
export type Handshake = UpstreamProfile | { readonly refusal: Refusal; readonly believedMs: number };

/** What a lane needs. */
export interface StdioLaneOptions {
  readonly upstream: string;
  readonly era: Era;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly resultLimitBytes: number;
  readonly onUnsolicited: (message: UpstreamMessage) => void;
  readonly shakeHands: (session: StdioSession, context: OutboundContext) => Promise<Handshake>;
}

/** The one process of a local server for one era: started when it is needed, and again, with growing pauses, when it has ended. */
export class StdioLane {
  readonly #options: StdioLaneOptions;
  readonly #sessions = new Set<StdioSession>();
  /** Ended by this lane, because the program was found not to speak its era: no fault of theirs. */
  readonly #dismissed = new WeakSet<StdioSession>();
  #running: Promise<Running | Refusal> | undefined;
  #believed: { readonly refusal: Refusal; readonly untilMs: number } | undefined;
  #notBeforeMs = 0;
  #backoffMs = 0;
  #lastEnd = '';
  #closed = false;

  constructor(options: StdioLaneOptions) {
    this.#options = options;
  }

  /** Whether a process has requests in hand. */
  get busy(): boolean {
    return [...this.#sessions].some(({ busy }) => busy);
  }

  /** The process, where one is starting or running. */
  get current(): Promise<Running | Refusal> | undefined {
    return this.#running;
  }

  /** The process, started where there is none; or why there is none now. */
  enter(context: OutboundContext): Promise<Running | Refusal> {
    const now = this.#options.clock.now();
    if (this.#closed) return Promise.resolve(this.#refuse('is being stopped'));
    if (this.#believed !== undefined && this.#believed.untilMs > now) return Promise.resolve(this.#believed.refusal);
    if (this.#running !== undefined) return this.#running;
    const waitMs = this.#notBeforeMs - now;
    if (waitMs > 0)
      return Promise.resolve(this.#refuse(`${this.#lastEnd}; it is started again in ${Math.ceil(waitMs / 1000)} s`));
    return (this.#running = this.#start(context));
  }

  /** Ends the process. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#sessions].map((session) => session.close()));
  }

  async #start(context: OutboundContext): Promise<Running | Refusal> {
    const session = this.#spawn(context);
    if (session instanceof Refusal) return session;
    const shaken = await this.#options.shakeHands(session, context);
    if (!('refusal' in shaken)) return { session, profile: shaken };
    if (shaken.believedMs > 0) {
      this.#believed = { refusal: shaken.refusal, untilMs: this.#options.clock.now() + shaken.believedMs };
      this.#dismissed.add(session);
    }
    // Nobody waits for its end; until then the lane stays taken, so that there are never two.
    session.close().catch((error: unknown) => this.#options.log.error('a process did not end', { error }));
    return shaken.refusal;
  }

  #spawn({ credential }: OutboundContext): StdioSession | Refusal {
    const { upstream, command, args, cwd, log, resultLimitBytes, onUnsolicited, clock } = this.#options;
    const startedAtMs = clock.now();
    try {
      const session: StdioSession = new StdioSession({
        upstream,
        command,
        args,
        cwd,
        credential,
        log,
        resultLimitBytes,
        onUnsolicited,
        onExit: (why) => {
          this.#sessions.delete(session);
          if (this.#dismissed.has(session)) this.#running = undefined;
          else this.#ended(startedAtMs, why);
        },
      });
      this.#sessions.add(session);
      return session;
    } catch (error) {
      log.error('a process could not be started', { error });
      // In the next turn: this one still has to take note of the attempt.
      queueMicrotask(() => this.#ended(startedAtMs, 'could not be started'));
      return this.#refuse('could not be started: its command, arguments or environment are not usable');
    }
  }

  #ended(startedAtMs: number, why: string): void {
    const now = this.#options.clock.now();
    this.#running = undefined;
    this.#lastEnd = why;
    if (this.#closed) return;
    this.#backoffMs =
      now - startedAtMs > STEADY_MS
        ? FIRST_BACKOFF_MS
        : Math.min(Math.max(this.#backoffMs * 2, FIRST_BACKOFF_MS), LAST_BACKOFF_MS);
    this.#notBeforeMs = now + this.#backoffMs;
    this.#options.log.warn('a process ended; it is started again when it is needed', {
      reason: why,
      era: this.#options.era,
      delay_ms: this.#backoffMs,
    });
  }

  #refuse(what: string): Refusal {
    const { upstream } = this.#options;
    return new Refusal('upstream_unavailable', `${upstream} ${what}.`, { upstream });
  }
}
