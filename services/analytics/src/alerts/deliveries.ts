import type { Audit } from '@switchyard/audit';
import type { Clock } from '@switchyard/runtime';
import type { Logger } from '@switchyard/telemetry';
import { backOffMs } from '../sinks/back-off.js';
import { Misconfigured, type Outcome } from '../sinks/sink.js';
import type { OpenChannels } from './open-channels.js';
import type { AlertMessage, RuleRecord, RuleState } from './rule-state.js';

/** How long a message is sent again; what it says is old news then. */
export const GIVE_UP_MS = 24 * 3_600_000;

/** A rule whose messages are delivered. */
export interface Told {
  readonly name: string;
  readonly kind: string;
  readonly record: RuleRecord;
}

/** What delivering stands on. */
export interface DeliveriesDeps {
  readonly channels: OpenChannels;
  readonly audit: Pick<Audit, 'record'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Brings messages to channels: each until it was taken, was refused for good, or is too old. */
export class Deliveries {
  readonly #deps: DeliveriesDeps;
  readonly #told: readonly Told[];

  constructor(told: readonly Told[], deps: DeliveriesDeps) {
    this.#told = told;
    this.#deps = deps;
  }

  /**
   * Sends a channel the oldest message that is due.
   * @returns whether there was one
   * @throws AlertOvertaken, StateUnavailable: then it is sent again
   */
  async next(channel: string, signal: AbortSignal): Promise<boolean> {
    const due = this.#due(channel);
    if (due === undefined) return false;
    const outcome = await this.#send(due.told, due.message, channel, signal);
    if (signal.aborted) return false;
    await this.#settle(due.told, due.message, channel, outcome);
    return true;
  }

  /** Of each rule its oldest message alone: an end is not told before its beginning. */
  #due(channel: string): { readonly told: Told; readonly message: AlertMessage } | undefined {
    const nowMs = this.#deps.clock.now();
    const firsts = this.#told.flatMap((told) => {
      const message = told.record.state.messages.find(({ pending }) => pending.some((one) => one.channel === channel));
      const dueAtMs = message?.pending.find((one) => one.channel === channel)?.dueAtMs ?? Infinity;
      return message === undefined || dueAtMs > nowMs ? [] : [{ told, message }];
    });
    return firsts.toSorted((a, b) => a.message.atMs - b.message.atMs)[0];
  }

  async #send({ name, kind }: Told, message: AlertMessage, channel: string, signal: AbortSignal): Promise<Outcome> {
    const { channels, log } = this.#deps;
    try {
      const open = await channels.get(channel);
      return await open.send({ rule: name, kind, message }, signal);
    } catch (error) {
      if (!signal.aborted) log.warn('a message of an alert could not be sent', { name: channel, error });
      return error instanceof Misconfigured
        ? { is: 'misconfigured', reason: 'misconfigured' }
        : { is: 'retry', reason: 'unreachable' };
    }
  }

  async #settle(told: Told, message: AlertMessage, channel: string, outcome: Outcome): Promise<void> {
    const { channels, clock, log } = this.#deps;
    const nowMs = clock.now();
    const attempts = (message.pending.find((one) => one.channel === channel)?.attempts ?? 0) + 1;
    const mayRetry = (outcome.is === 'retry' || outcome.is === 'misconfigured') && nowMs - message.atMs < GIVE_UP_MS;
    const reason = 'reason' in outcome ? outcome.reason : '';
    if (outcome.is === 'misconfigured') await channels.forget(channel);
    if (outcome.is !== 'delivered')
      log.warn('a channel did not take a message of an alert', { name: channel, reason, attempt: attempts });
    if (outcome.is !== 'delivered' && !mayRetry) await this.#giveUp(told, message, { channel, attempts, reason });
    const state = outcome.is === 'delivered' ? 'delivered' : mayRetry ? 'retrying' : 'given up';
    const wishMs = outcome.is === 'retry' ? outcome.afterMs : 0;
    const again = mayRetry ? [{ channel, attempts, dueAtMs: nowMs + backOffMs(attempts, wishMs) }] : [];
    await told.record.change((before) => ({
      ...withPending(before, message.id, channel, again),
      deliveries: [...before.deliveries.filter((one) => one.channel !== channel), { channel, atMs: nowMs, state, reason }],
    }));
  }

  async #giveUp(
    { name }: Told,
    { id, what }: AlertMessage,
    { channel, attempts, reason }: { readonly channel: string; readonly attempts: number; readonly reason: string },
  ): Promise<void> {
    const { audit, log } = this.#deps;
    log.error('a message of an alert was given up; the event alert.undelivered says which', { name: channel, reason });
    const detail = { alert: name, id, channel, attempts: String(attempts), what };
    await audit.record({ type: 'alert.undelivered', outcome: 'error', origin: 'gateway', reason, detail });
  }
}

/** What waits for a channel is something else now; a message that waits for none is done. */
function withPending(state: RuleState, id: string, channel: string, again: AlertMessage['pending']): RuleState {
  const messages = state.messages.map((one) =>
    one.id === id ? { ...one, pending: [...one.pending.filter((other) => other.channel !== channel), ...again] } : one,
  );
  return { ...state, messages: messages.filter(({ pending }) => pending.length > 0) };
}
