import { Problem } from '@switchyard/admin-api';
import { EVENTS_STREAM } from '@switchyard/contracts';
import type { Bus } from '@switchyard/messaging';
import type { Clock } from '@switchyard/runtime';
import { Tail, type TailOptions, type TailTiming } from './tail.js';

/** How many tails there may be at once at one replica. */
export const TAIL_LIMITS = { perPerson: 4, all: 32 } as const;

/** Who needs the stream to be kept, which in process nobody else may. */
const KEEPER = 'tails';
/** How long the stream is kept for readers that come back. */
const KEPT_MS = 10 * 60_000;

const TIMING: TailTiming = { heartbeatMs: 15_000, admissionMs: 5_000, patienceMs: 30_000 };

/** What tails stand on. */
export interface TailsDeps {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly timing?: Partial<TailTiming>;
}

/** Everybody who is watching events as they happen. */
export class Tails {
  readonly #deps: TailsDeps;
  readonly #timing: TailTiming;
  readonly #closing = new AbortController();
  readonly #byPerson = new Map<string, number>();
  readonly #running = new Set<Promise<void>>();
  #release: NodeJS.Timeout | undefined;

  constructor(deps: TailsDeps) {
    this.#deps = deps;
    this.#timing = { ...TIMING, ...deps.timing };
  }

  /**
   * Shows events until their reader goes, or has to.
   * @param person whose tail it is
   * @throws Problem 429 where they have as many as they may, 503 where there are as many as there may be
   * @throws BusUnavailable before anything was sent
   */
  async run(person: string, o: Omit<TailOptions, 'bus' | 'clock' | 'closing' | 'timing'>): Promise<void> {
    const own = this.#byPerson.get(person) ?? 0;
    if (own >= TAIL_LIMITS.perPerson) throw tooMany(429, 'tails_per_person', TAIL_LIMITS.perPerson);
    if (this.#running.size >= TAIL_LIMITS.all) throw tooMany(503, 'tails', TAIL_LIMITS.all);
    this.#byPerson.set(person, own + 1);
    const running = this.#follow(o);
    this.#running.add(running);
    try {
      await running;
    } finally {
      this.#running.delete(running);
      this.#forget(person);
    }
  }

  /** Ends all. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#release);
    await Promise.allSettled(this.#running);
  }

  async #follow(o: Omit<TailOptions, 'bus' | 'clock' | 'closing' | 'timing'>): Promise<void> {
    const { bus, clock } = this.#deps;
    clearTimeout(this.#release);
    await bus.retain(EVENTS_STREAM, KEEPER);
    await Tail.run({ ...o, bus, clock, closing: this.#closing.signal, timing: this.#timing });
  }

  #forget(person: string): void {
    const left = (this.#byPerson.get(person) ?? 1) - 1;
    if (left === 0) this.#byPerson.delete(person);
    else this.#byPerson.set(person, left);
    if (this.#byPerson.size > 0 || this.#closing.signal.aborted) return;
    clearTimeout(this.#release);
    this.#release = setTimeout(() => void this.#deps.bus.release(EVENTS_STREAM, KEEPER), KEPT_MS).unref();
  }
}

function tooMany(status: 429 | 503, name: string, allowed: number): Problem {
  const whose = status === 429 ? 'You have' : 'There are';
  const detail = `${whose} ${allowed} tails open, which is as many as may be (${name}). Close one, or try again later.`;
  return new Problem(status, { reason: 'too_many_tails', detail, limit: { name, allowed }, headers: { 'retry-after': '5' } });
}
