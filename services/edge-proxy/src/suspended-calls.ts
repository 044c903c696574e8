import {
  errorResponse,
  type InputAnswer,
  type InputRequest,
  type InputNeed,
  inputRequestOf,
  CODES,
  MOST_INPUTS,
  resultResponse,
} from '@switchyard/mcp';
import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { Cancellation } from './cancellation.js';
import type { Caller, Round } from './exchange.js';
import type { Target } from './stages/resolve.js';
import { undeclaredNeeds } from './stages/input-required.js';
import type { UpstreamAnswer, UpstreamMessage } from './upstream/link.js';

/** How long a call waits for the answers that its client was asked for: less than the time for which most servers wait. */
export const SUSPENDED_MS = 55_000;
/** Most calls that wait at one edge. */
const MOST = 4_096;

/** Most that the questions of one call may be together: they are kept until they are answered. */
const QUESTIONS_LIMIT_CHARACTERS = 4 * 1024 * 1024;

interface Question {
  readonly request: InputRequest;
  readonly answer: (resultJson: string) => void;
  readonly refuse: () => void;
}

type Outcome = { readonly answer: UpstreamAnswer } | { readonly fault: unknown };

/** A call to a legacy upstream, which may ask the client while it runs. It outlives the request that began it: each retry is a round of it. */
export class RunningCall {
  /** Of the upstream request. */
  readonly cancellation = new Cancellation();
  readonly #questions = new Map<string, Question>();
  #asked = 0;
  /** Of all questions that wait. */
  #size = 0;
  /** What the upstream asked for although the client had not declared it. */
  readonly undeclared: InputNeed[] = [];
  #round: Round | undefined;
  #last: Round | undefined;
  #outcome: Outcome | undefined;
  #wake: () => void = () => undefined;

  /** @param target what is called */
  constructor(readonly target: Target) {
    this.cancellation.onCancel(() => this.#refuseAll());
  }

  /** The request that the client waits for now; undefined while the call is suspended. */
  get round(): Round | undefined {
    return this.#round;
  }

  /** Who has called. */
  get caller(): Caller | undefined {
    return this.#last?.caller;
  }

  /** Begins again: the upstream has not looked at what was sent. */
  begin(): void {
    this.#outcome = undefined;
  }

  /** Follows the request to the upstream to its end. */
  follow(answering: Promise<UpstreamAnswer>): void {
    const done = (outcome: Outcome) => {
      this.#outcome = outcome;
      this.#wake();
    };
    answering.then(
      (answer) => done({ answer }),
      (fault: unknown) => done({ fault }),
    );
  }

  /**
   * Waits, for one request of the client, until the upstream has answered or asks for something.
   * @returns the answer, or what is asked
   * @throws what the request to the upstream threw
   */
  async next(call: Round): Promise<UpstreamAnswer | readonly InputRequest[]> {
    this.#round = call;
    this.#last = call;
    call.exchange.cancellation.onCancel(() => {
      if (this.#round === call) this.cancellation.cancel();
    });
    while (this.#outcome === undefined && this.#questions.size === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      // What is asked side by side is asked in one round. Meanwhile all may have been withdrawn.
      if (this.#outcome === undefined) await turn();
    }
    this.#round = undefined;
    if (this.#outcome === undefined) return [...this.#questions.values()].map(({ request }) => request);
    if ('fault' in this.#outcome) throw this.#outcome.fault;
    return this.#outcome.answer;
  }

  /** Takes what the upstream asks; resolves with the response. What the client has not declared is refused. */
  ask({ bytes, envelope }: UpstreamMessage): Promise<Buffer> {
    const { id } = envelope;
    const key = `ask-${this.#asked + 1}`;
    const asked = inputRequestOf(bytes, envelope, key);
    const missing = asked === undefined || this.#last === undefined ? [] : undeclaredNeeds(this.#last, [asked.request]);
    this.undeclared.push(...missing);
    if (asked === undefined || missing.length > 0)
      return Promise.resolve(errorResponse(id, CODES.methodNotFound, 'The client does not take this request.'));
    const size = asked.request.paramsJson?.length ?? 0;
    if (this.#questions.size >= MOST_INPUTS || this.#size + size > QUESTIONS_LIMIT_CHARACTERS)
      return Promise.resolve(errorResponse(id, CODES.serverError, 'The client is being asked too much at once.'));
    this.#asked += 1;
    this.#size += size;
    return new Promise((resolve) => {
      this.#questions.set(key, {
        request: asked.request,
        answer: (resultJson) => resolve(resultResponse(id, resultJson)),
        refuse: () => resolve(errorResponse(id, CODES.internalError, 'The client gave no answer in time.')),
      });
      this.#wake();
    });
  }

  /** Passes on what the client answered; what it left out is asked again, what nobody asked is ignored. */
  answer(answers: readonly InputAnswer[]): void {
    for (const { key, resultJson } of answers) {
      const question = this.#questions.get(key);
      this.#size -= question?.request.paramsJson?.length ?? 0;
      this.#questions.delete(key);
      question?.answer(resultJson);
    }
  }

  #refuseAll(): void {
    for (const question of this.#questions.values()) question.refuse();
    this.#questions.clear();
    this.#size = 0;
  }
}

/** Calls that wait at this edge for a retry with the answers. */
export class SuspendedCalls {
  readonly #waiting = new Map<string, { readonly call: RunningCall; readonly timer: NodeJS.Timeout }>();

  /** Whether no more calls may wait. */
  get full(): boolean {
    return this.#waiting.size >= MOST;
  }

  /** Keeps a call for its retry, and gives it up when none comes. @returns the id, good for one retry */
  suspend(call: RunningCall): string {
    const id = randomBytes(16).toString('base64url');
    const timer = setTimeout(() => this.take(id)?.cancellation.cancel(), SUSPENDED_MS);
    this.#waiting.set(id, { call, timer });
    return id;
  }

  /** The call that waits under an id; it waits no more. */
  take(id: string): RunningCall | undefined {
    const found = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(found?.timer);
    return found?.call;
  }

  /** Gives up what was called by whoever `isRevoked` tells of. */
  endRevoked(isRevoked: (caller: Caller) => boolean): void {
    for (const [id, { call }] of [...this.#waiting])
      if (call.caller !== undefined && isRevoked(call.caller)) this.take(id)?.cancellation.cancel();
  }

  /** Gives all up. */
  close(): void {
    for (const id of [...this.#waiting.keys()]) this.take(id)?.cancellation.cancel();
  }
}
