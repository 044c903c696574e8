import type { Clock } from '@switchyard/runtime';
import type { ListKey } from './capability-names.js';
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

/** Upstreams that do not give a list of theirs, so that not everybody has to wait for it as long as the first did. */
export class SlowUpstreams {
  readonly #clock: Clock;
  readonly #slow = new WeakMap<UpstreamLink, Map<ListKey, Slow>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What was wrong with an upstream that is not to be waited for now. */
  resting(link: UpstreamLink | undefined, list: ListKey): Refusal | undefined {
    const slow = this.#of(link, list);
    return slow !== undefined && slow.restsUntilMs > this.#clock.now() ? slow.refusal : undefined;
  }

  /** How long to wait for an upstream. @param usualMs for one that is well */
  patienceMs(link: UpstreamLink | undefined, list: ListKey, usualMs: number): number {
    return this.#of(link, list) === undefined ? usualMs : Math.min(PATIENCE_MS, usualMs);
  }

  /** Takes note of how an upstream's list was had, or not. @param tookMs what it cost who waited */
  note(link: UpstreamLink | undefined, list: ListKey, refusal: Refusal | undefined, tookMs: number): void {
    if (link === undefined || refusal?.reason === 'cancelled') return;
    const lists = this.#slow.get(link) ?? new Map<ListKey, Slow>();
    if (refusal === undefined || tookMs < SLOW_MS) lists.delete(list);
    else if (AWAY.has(refusal.reason))
      this.#slow.set(link, lists.set(list, { refusal, restsUntilMs: this.#clock.now() + REST_MS }));
  }

  #of(link: UpstreamLink | undefined, list: ListKey): Slow | undefined {
    return link && this.#slow.get(link)?.get(list);
  }
}
