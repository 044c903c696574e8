import { OAuthProblem } from '../upstream-oauth/oauth-problem.js';
import type { Tokens } from '../upstream-oauth/tokens.js';

/** Which token is wanted. */
export interface TokenWanted {
  /** One token is held for each place. */
  readonly place: string;
  readonly upstream: string;
  /** Of what it is made from: another one means another token. */
  readonly version: string;
  /** Version of the token that the upstream has just refused; empty where it refused none. */
  readonly rejected: string;
  readonly fetch: () => Promise<Tokens | OAuthProblem>;
}

/** A token, as it is held. */
export interface HeldToken {
  readonly accessToken: string;
  readonly version: string;
  /** It is not to be used without asking again after this. */
  readonly untilMs: number;
}

interface Held {
  readonly accessToken: string;
  readonly version: string;
  readonly obtainedAtMs: number;
  /** From when on the next one is asked for, while this one is still used. */
  readonly dueAtMs: number;
  readonly expiresAtMs: number;
}

interface Place {
  readonly version: string;
  held: Held | undefined;
  flight: Promise<Held | OAuthProblem> | undefined;
  failure: { readonly problem: OAuthProblem; readonly untilMs: number } | undefined;
}

/** Where the server does not say how long a token lasts. */
const UNTOLD_MS = 5 * 60_000;
/** A token this young that is refused is not refused for its age: asking again would be a loop. */
const YOUNG_MS = 30_000;
/** What could not be had is not asked for again for so long. */
const REST_MS = 5_000;
/** Places that are kept; whose token is oldest gives way. */
const MOST_PLACES = 10_000;

/** Tokens in memory: each asked for once by all who need it, and replaced before it ends. */
export class HeldTokens {
  readonly #clock: { now(): number };
  readonly #earlyMs: (lifetimeMs: number) => number;
  readonly #places = new Map<string, Place>();

  /** @param earlyMs how long before its end a token of some lifetime is replaced */
  constructor(clock: { now(): number }, earlyMs: (lifetimeMs: number) => number) {
    this.#clock = clock;
    this.#earlyMs = earlyMs;
  }

  /** The token, or why there is none. @throws what `fetch` throws */
  async get(wanted: TokenWanted): Promise<HeldToken | OAuthProblem> {
    const place = this.#place(wanted);
    const now = this.#clock.now();
    const { held, failure } = place;
    const rejected = held !== undefined && held.version === wanted.rejected;
    if (rejected && now - held.obtainedAtMs < YOUNG_MS) return refusesIt(wanted.upstream);
    if (held !== undefined && !rejected && held.expiresAtMs > now) {
      // Whoever calls now is not kept waiting for what later calls will need.
      // Where that fails, it is they who ask.
      if (held.dueAtMs <= now && (failure?.untilMs ?? 0) <= now) this.#ask(place, wanted).catch(() => undefined);
      return { ...held, untilMs: held.dueAtMs > now ? held.dueAtMs : Math.min(held.expiresAtMs, now + REST_MS) };
    }
    if (failure !== undefined && failure.untilMs > now) return failure.problem;
    const got = await this.#ask(place, wanted);
    return got instanceof OAuthProblem ? got : { ...got, untilMs: got.dueAtMs };
  }

  #place({ place: name, version }: TokenWanted): Place {
    const known = this.#places.get(name);
    if (known?.version === version) return known;
    const place: Place = { version, held: undefined, flight: undefined, failure: undefined };
    const [oldest] = this.#places.keys();
    if (this.#places.size >= MOST_PLACES && oldest !== undefined) this.#places.delete(oldest);
    this.#places.set(name, place);
    return place;
  }

  #ask(place: Place, wanted: TokenWanted): Promise<Held | OAuthProblem> {
    place.flight ??= this.#settle(place, wanted).finally(() => (place.flight = undefined));
    return place.flight;
  }

  async #settle(place: Place, { version, fetch }: TokenWanted): Promise<Held | OAuthProblem> {
    const got = await fetch();
    const now = this.#clock.now();
    if (got instanceof OAuthProblem) {
      place.failure = { problem: got, untilMs: now + REST_MS };
      return got;
    }
    const { accessToken, lifetimeMs = UNTOLD_MS } = got;
    place.failure = undefined;
    place.held = {
      accessToken,
      version: `${version}.${now.toString(36)}`,
      obtainedAtMs: now,
      dueAtMs: now + lifetimeMs - this.#earlyMs(lifetimeMs),
      expiresAtMs: now + lifetimeMs,
    };
    return place.held;
  }
}

const refusesIt = (upstream: string) =>
  new OAuthProblem('token_refused', `${upstream} refuses the token that its authorization server has just given this gateway.`);
