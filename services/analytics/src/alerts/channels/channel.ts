import type { Egress } from '@switchyard/egress';
import type { AlertChannelConfig, AlertChannelConfigOf } from '@switchyard/gateway-config';
import type { Clock } from '@switchyard/runtime';
import type { Outcome } from '../../sinks/sink.js';
import type { Notice } from '../notice.js';

/** What a channel stands on. */
export interface ChannelParts {
  /** Guarded: every connection of a channel is made by it. */
  readonly egress: Egress;
  readonly clock: Clock;
}

/** Somewhere that people are told. It knows its protocol, and nothing of retries. */
export interface Channel {
  /**
   * Sends one message.
   * @returns what became of it; `split` is as `refused`
   * @throws anything, where the receiver could not be asked: it is sent again
   */
  send(notice: Notice, signal: AbortSignal): Promise<Outcome>;
}

/** Opens a channel. @throws Misconfigured */
export type OpenChannel<Settings = AlertChannelConfig> = (settings: Settings, parts: ChannelParts) => Channel;

/** One for every kind that can be configured. */
export type ChannelKinds = { readonly [Type in AlertChannelConfig['type']]: OpenChannel<AlertChannelConfigOf<Type>> };
