import { channelSink, type AuditSink } from '@switchyard/contracts';
import { Egress } from '@switchyard/egress';
import { alertChannelSchema, fillSinkReferences, type AlertChannelConfig } from '@switchyard/gateway-config';
import type { Clock } from '@switchyard/runtime';
import { leaseSecrets, type SecretsOptions } from '../sinks/sink-secrets.js';
import { openChannel } from './channels.js';
import type { Channel } from './channels/channel.js';

const CONNECT_TIMEOUT_MS = 10_000;

interface Open {
  readonly channel: Channel;
  readonly egress: Egress;
  readonly untilMs: number;
}

/** What opening channels stands on. */
export interface OpenChannelsDeps {
  readonly secrets: SecretsOptions;
  readonly clock: Clock;
}

/** The channels of a configuration, each opened when something is to be said, with secrets that may still be used. */
export class OpenChannels {
  readonly #deps: OpenChannelsDeps;
  readonly #configured: ReadonlyMap<string, AuditSink>;
  readonly #allowed: readonly string[];
  readonly #open = new Map<string, Open>();

  /** @param allowed special-purpose ranges that every channel may reach beside its own */
  constructor(configured: readonly AuditSink[], allowed: readonly string[], deps: OpenChannelsDeps) {
    this.#configured = new Map(configured.map((one) => [one.name, one]));
    this.#allowed = allowed;
    this.#deps = deps;
  }

  /** @throws Misconfigured; SecretsRefused, RpcUnavailable, RpcFault where the vault gives no secrets */
  async get(name: string): Promise<Channel> {
    const { clock, secrets } = this.#deps;
    const open = this.#open.get(name);
    if (open !== undefined && open.untilMs > clock.now()) return open.channel;
    await this.forget(name);
    const configured = this.#configured.get(name);
    if (configured === undefined) throw new Error(`there is no channel ${name}`);
    const { values, untilMs } = await leaseSecrets({ ...configured, name: channelSink(name) }, secrets);
    const settings = fillSinkReferences(alertChannelSchema.parse(JSON.parse(configured.settings)), values);
    const egress = new Egress({ ...this.#egressOf(settings), connectTimeoutMs: CONNECT_TIMEOUT_MS });
    try {
      const channel = openChannel(settings, { egress, clock });
      this.#open.set(name, { channel, egress, untilMs });
      return channel;
    } catch (error) {
      await egress.close();
      throw error;
    }
  }

  /** Has a channel opened anew, with secrets asked for anew. */
  async forget(name: string): Promise<void> {
    const open = this.#open.get(name);
    this.#open.delete(name);
    await open?.egress.close();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((name) => this.forget(name)));
  }

  #egressOf(settings: AlertChannelConfig) {
    const { allow, ca } = settings;
    const proxy = 'proxy' in settings && settings.proxy !== undefined ? new URL(settings.proxy) : undefined;
    return { allowed: [...this.#allowed, ...allow], ca, proxy };
  }
}
