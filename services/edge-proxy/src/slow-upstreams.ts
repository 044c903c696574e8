import type { Clock } from '@switchyard/runtime';
import type { Refusal } from './refusal.js';
import type { Reason } from './ladder.js';
import type { UpstreamLink } from './upstream/link.js';

/** A failure that took less costs nobody anything, so that every list may try again. */
const SLOW_MS = 500;
/** How long nobody waits for an upstream that has just cost somebody that much. */
const REST_MS = 5_000;
/** Longest wait for it after that, until it has answered again. */
const PATIENCE_MS = 1_000;

const AWAY: ReadonlySet<Reason> = new Set(['upstream_unavailable', 'upstream_timeout']);

interface Slow {
  readonly refusal: Refusal;
  readonly restsUntilMs: number;
}

/** Upstreams that do not answer, so that not every list has to wait for them as long as the first did. */
export class SlowUpstreams {
  readonly #clock: Clock;
  readonly #slow = new WeakMap<UpstreamLink, Slow>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What was wrong with an upstream that is not to be waited for now. */
  resting(link: UpstreamLink | undefined): Refusal | undefined {
    const slow = link && this.#slow.get(link);
    return slow !== undefined && slow.restsUntilMs > this.#clock.now() ? slow.refusal : undefined;
  }

  /** How long to wait for an upstream. @param usualMs for one that is well */
  patienceMs(link: UpstreamLink | undefined, usualMs: number): number {
    return link !== undefined && this.#slow.has(link) ? Math.min(PATIENCE_MS, usualMs) : usualMs;
  }

  /** Takes note of how an upstream's list was had, or not. @param tookMs what it cost who waited */
  note(link: UpstreamLink | undefined, refusal: Refusal | undefined, tookMs: number): void {
    if (link === undefined || refusal?.reason === 'cancelled') return;
    if (refusal === undefined || tookMs < SLOW_MS) this.#slow.delete(link);
    else if (AWAY.has(refusal.reason)) this.#slow.set(link, { refusal, restsUntilMs: this.#clock.now() + REST_MS });
  }
}
