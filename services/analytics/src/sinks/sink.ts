import type { Egress } from '@switchyard/egress';
import type { SinkConfig, SinkConfigOf } from '@switchyard/gateway-config';
import type { Clock } from '@switchyard/runtime';
import type { ToldEvent } from './mappings/told-event.js';

/** An event on its way to a sink. */
export interface SinkItem {
  /** The event's id: the same however often it is sent, so that the receiver can tell a repetition. */
  readonly id: string;
  readonly event: ToldEvent;
  /** The event in the words of the sink's mapping: one line, without a line feed. */
  readonly text: string;
  /** Size of `text` in UTF-8. */
  readonly bytes: number;
}

/** What became of one event, or, where all of a request share it, of the request. */
export type Outcome =
  | { readonly is: 'delivered' }
  /** This event will never be taken: it is put among the dead letters, and the rest goes on. */
  | { readonly is: 'refused'; readonly reason: string }
  /** So many events, or one among them, are not taken together: they are sent again in halves. What is alone is refused. */
  | { readonly is: 'split'; readonly reason: string }
  /** Not now: sent again after a pause, and nothing behind it before. */
  | { readonly is: 'retry'; readonly reason: string; readonly afterMs?: number }
  /** Not as the sink is configured: as `retry`, with secrets asked for anew. */
  | { readonly is: 'misconfigured'; readonly reason: string };

/** What one request may hold. */
export interface SinkLimits {
  readonly items: number;
  /** Of the texts together, with `itemOverheadBytes` for each. */
  readonly bytes: number;
  /** Of one text; a longer one is refused. */
  readonly itemBytes: number;
  /** What the protocol puts around a text, at most. */
  readonly itemOverheadBytes: number;
}

/** A receiver of events. It knows its protocol, and nothing of queues, retries or order. */
export interface Sink {
  readonly limits: SinkLimits;
  /**
   * Sends events, in their order.
   * @param signal aborts when the sink is being closed
   * @returns what became of each, in the same order
   * @throws anything, where the receiver could not be asked: all of them are sent again
   */
  deliver(items: readonly SinkItem[], signal: AbortSignal): Promise<readonly Outcome[]>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** What a sink stands on. */
export interface SinkParts {
  readonly name: string;
  readonly clock: Clock;
  /** HTTP of this sink alone: guarded, with its certificates and its proxy. */
  readonly egress: Egress;
  /** Waits; returns early when `signal` aborts. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** How sinks of one kind are made. @throws Misconfigured */
export type OpenSink<Config extends SinkConfig = SinkConfig> = (settings: Config, parts: SinkParts) => Promise<Sink>;

/** One for every kind that can be configured. */
export type SinkKinds = { readonly [Type in SinkConfig['type']]: OpenSink<SinkConfigOf<Type>> };

/** Settings, or what their references stand for, are not what this kind needs. */
export class Misconfigured extends Error {
  override readonly name = 'Misconfigured';
}

/** The same for each of so many. */
export const each = (outcome: Outcome, items: readonly unknown[]): Outcome[] => items.map(() => outcome);
