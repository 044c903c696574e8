import { backOffMs } from './back-off.js';
import type { Outcome, Sink, SinkItem, SinkLimits } from './sink.js';
import { whyUnreachable } from './why-unreachable.js';

/** An event that a sink will never take. */
export interface Refused {
  readonly item: SinkItem;
  readonly reason: string;
}

/** What delivering needs of its surroundings. */
export interface Delivery {
  /** Sends, with secrets that are current. */
  readonly sink: () => Promise<Sink>;
  /** Told that what the sink was opened with does not hold. */
  readonly onMisconfigured: () => Promise<void>;
  /** Puts events aside; returns when they are safe. @throws anything, where they are not: tried again */
  readonly onRefused: (refused: readonly Refused[]) => Promise<void>;
  readonly onDelivered: (count: number) => void;
  /** Told before every pause. */
  readonly onFailure: (failure: { readonly reason: string; readonly attempt: number; readonly error?: unknown }) => void;
  /** Waits; returns early when `signal` aborts. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Sending was ended before everything was sent. */
export class Ended extends Error {
  override readonly name = 'Ended';
}

/** Cuts events into what one request each may hold, in their order. Longer texts than may be are left to the caller. */
export function* requestsOf(items: readonly SinkItem[], limits: SinkLimits): Generator<SinkItem[]> {
  let request: SinkItem[] = [];
  let bytes = 0;
  for (const item of items) {
    const size = item.bytes + limits.itemOverheadBytes;
    if (request.length > 0 && (request.length >= limits.items || bytes + size > limits.bytes)) {
      yield request;
      [request, bytes] = [[], 0];
    }
    request.push(item);
    bytes += size;
  }
  if (request.length > 0) yield request;
}

/**
 * Sends events in their order, each until it was taken or refused for good; nothing overtakes what has to be sent again.
 * @throws Ended when the signal aborts before
 */
export async function deliverAll(items: readonly SinkItem[], delivery: Delivery): Promise<void> {
  if (items.length === 0) return;
  const { limits } = await opened(delivery);
  const longest = Math.min(limits.itemBytes, limits.bytes - limits.itemOverheadBytes);
  // What is too long is put aside in its turn: a gap in the middle is known before what follows it is sent.
  for (const request of requestsOf(items, limits)) {
    const tooLong = request.filter(({ bytes }) => bytes > longest);
    await putAside(
      tooLong.map((item) => ({ item, reason: `too_long: more than ${longest} bytes` })),
      delivery,
    );
    const rest = request.filter(({ bytes }) => bytes <= longest);
    if (rest.length > 0) await deliverRequest(rest, delivery);
  }
}

async function deliverRequest(items: readonly SinkItem[], delivery: Delivery): Promise<void> {
  let rest = items;
  for (let failures = 0; ;) {
    const { outcomes, error } = await attempt(rest, delivery);
    const settled = await settle(rest, outcomes, delivery);
    if (settled.split.length > 0) {
      const half = settled.split.length >> 1;
      await deliverRequest(settled.split.slice(0, half), delivery);
      await deliverRequest(settled.split.slice(half), delivery);
    }
    if (settled.again.length === 0) return;
    failures = settled.again.length < rest.length ? 1 : failures + 1;
    rest = settled.again;
    delivery.onFailure({ reason: settled.reason, attempt: failures, ...(error === undefined ? {} : { error }) });
    if (settled.isMisconfigured) await delivery.onMisconfigured();
    await delivery.wait(backOffMs(failures, settled.afterMs), delivery.signal);
  }
}

interface Attempt {
  readonly outcomes: readonly Outcome[];
  readonly error?: unknown;
}

async function attempt(items: readonly SinkItem[], delivery: Delivery): Promise<Attempt> {
  try {
    const sink = await opened(delivery);
    return { outcomes: await sink.deliver(items, delivery.signal) };
  } catch (error) {
    if (delivery.signal.aborted) throw new Ended('the sink was closed');
    const reason = whyUnreachable(error);
    return { outcomes: items.map(() => ({ is: 'retry', reason })), error };
  }
}

interface Settled {
  /** To be sent again as they are. */
  readonly again: readonly SinkItem[];
  /** To be sent again in halves. */
  readonly split: readonly SinkItem[];
  readonly reason: string;
  readonly afterMs: number;
  readonly isMisconfigured: boolean;
}

async function settle(items: readonly SinkItem[], outcomes: readonly Outcome[], delivery: Delivery): Promise<Settled> {
  const placed = items.map((item, index) => ({
    item,
    outcome: outcomes[index] ?? ({ is: 'retry', reason: 'no_answer' } as const),
  }));
  const having = (is: Outcome['is']) => placed.filter(({ outcome }) => outcome.is === is);
  const delivered = having('delivered').length;
  if (delivered > 0) delivery.onDelivered(delivered);
  const split = having('split');
  const alone = split.length === 1 ? split : [];
  await putAside(
    [...having('refused'), ...alone].map(({ item, outcome }) => ({ item, reason: 'reason' in outcome ? outcome.reason : '' })),
    delivery,
  );
  const again = placed.filter(({ outcome }) => outcome.is === 'retry' || outcome.is === 'misconfigured');
  const [first] = again;
  return {
    again: again.map(({ item }) => item),
    split: alone.length > 0 ? [] : split.map(({ item }) => item),
    reason: first !== undefined && 'reason' in first.outcome ? first.outcome.reason : '',
    afterMs: Math.max(0, ...again.map(({ outcome }) => (outcome.is === 'retry' ? (outcome.afterMs ?? 0) : 0))),
    isMisconfigured: again.some(({ outcome }) => outcome.is === 'misconfigured'),
  };
}

async function putAside(refused: readonly Refused[], delivery: Delivery): Promise<void> {
  if (refused.length === 0) return;
  await untilDone('dead_letters_unavailable', delivery, () => delivery.onRefused(refused));
}

const opened = (delivery: Delivery) => untilDone('not_opened', delivery, delivery.sink);

/** @throws Ended */
async function untilDone<T>(reason: string, delivery: Delivery, work: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    if (delivery.signal.aborted) throw new Ended('the sink was closed');
    try {
      return await work();
    } catch (error) {
      delivery.onFailure({ reason, attempt: failures, error });
    }
    await delivery.wait(backOffMs(failures), delivery.signal);
  }
}
