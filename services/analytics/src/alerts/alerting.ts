import { Problem } from '@switchyard/admin-api';
import type { Audit } from '@switchyard/audit';
import type { Clock } from '@switchyard/runtime';
import { StateUnavailable, type KvStore } from '@switchyard/state';
import type { Logger } from '@switchyard/telemetry';
import { advance } from './advance.js';
import type { AlertConfig, ConfiguredRule } from './alert-config.js';
import { Deliveries } from './deliveries.js';
import { OpenChannels, type OpenChannelsDeps } from './open-channels.js';
import { minutesMs, type Evaluation } from './rule-kind.js';
import { findOf } from './rule-kinds.js';
import { AlertOvertaken, forgetRules, RuleRecord, type RuleState } from './rule-state.js';
import { silenceOf } from './silences.js';
import { isWithin } from './silence-windows.js';

/** What alerting stands on. */
export interface AlertingDeps extends OpenChannelsDeps, Pick<Evaluation, 'tenant' | 'rows' | 'pipeline'> {
  /** The bucket `alerts`. */
  readonly kv: KvStore;
  readonly audit: Pick<Audit, 'record'>;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Evaluated extends ConfiguredRule {
  readonly record: RuleRecord;
}

/** What reads a past reads much: it is asked twelve times in a window, which moves it little. */
const pastEveryMs = ({ rule }: ConfiguredRule) => ('past' in rule ? minutesMs(rule.windowMinutes) / 12 : 0);

/** Evaluates the rules of one configuration, and tells of them. Of all replicas one does. */
export class Alerting {
  readonly #deps: AlertingDeps;
  readonly #rules: readonly Evaluated[];
  readonly #channels: OpenChannels;
  readonly #deliveries: Deliveries;
  readonly #triedAtMs = new Map<string, number>();

  private constructor(config: AlertConfig, rules: readonly Evaluated[], deps: AlertingDeps) {
    this.#deps = deps;
    this.#rules = rules;
    this.#channels = new OpenChannels(config.channels, config.allowed, deps);
    const told = rules.map(({ name, rule, record }) => ({ name, kind: rule.kind, record }));
    this.#deliveries = new Deliveries(told, { ...deps, channels: this.#channels });
  }

  /** Goes on from what is stored. @throws StateUnavailable */
  static async open(config: AlertConfig, deps: AlertingDeps): Promise<Alerting> {
    const channels = new Set(config.channels.map(({ name }) => name));
    const rules = await Promise.all(
      config.rules.map(async (one) => ({ ...one, record: await RuleRecord.open(deps.kv, one.name, one.identity) })),
    );
    await forgetRules(deps.kv, (name) => rules.some((one) => one.name === name));
    for (const { record } of rules)
      if (waitsForOthers(record.state, channels)) await record.change((state) => withoutOthers(state, channels));
    return new Alerting(config, rules, deps);
  }

  /** Evaluates every rule once. One that cannot be evaluated holds no other. @throws AlertOvertaken, StateUnavailable */
  async evaluate(signal: AbortSignal): Promise<void> {
    for (const one of this.#rules) {
      if (signal.aborted) return;
      if (this.#isDue(one)) await this.#evaluate(one);
      await this.#recordChanges(one);
    }
  }

  /** As `Deliveries.next`. */
  deliver(channel: string, signal: AbortSignal): Promise<boolean> {
    return this.#deliveries.next(channel, signal);
  }

  /** Idempotent. */
  close(): Promise<void> {
    return this.#channels.close();
  }

  #isDue(one: Evaluated): boolean {
    const nowMs = this.#deps.clock.now();
    if (nowMs - (this.#triedAtMs.get(one.name) ?? -Infinity) < pastEveryMs(one)) return false;
    this.#triedAtMs.set(one.name, nowMs);
    return true;
  }

  async #evaluate({ name, rule, channels, record }: Evaluated): Promise<void> {
    const { kv, clock, log, tenant, rows, pipeline } = this.#deps;
    const nowMs = clock.now();
    try {
      const findings = await findOf(rule, { tenant, rows, pipeline, nowMs });
      const isSilenced = isWithin(rule.silence, nowMs) || (await silenceOf(kv, name, nowMs)) !== undefined;
      await record.change((state) => advance(state, { findings, nowMs, isSilenced }, { ...rule, channels }));
    } catch (error) {
      if (error instanceof AlertOvertaken || error instanceof StateUnavailable) throw error;
      log.warn('an alert could not be evaluated; it stays as it was', { name, error });
      const failure = error instanceof Problem ? error.message : 'It could not be evaluated; the log says why.';
      await record.change((state) => ({ ...state, failure }));
    }
  }

  async #recordChanges({ name, rule, record }: Evaluated): Promise<void> {
    const { changes } = record.state;
    if (changes.length === 0) return;
    for (const { id, type, atMs, count, says, isSilenced } of changes) {
      const detail = { alert: name, kind: rule.kind, id, count: String(count), what: says.join('\n') };
      const silenced = isSilenced && type === 'alert.fired' ? { silenced: 'true' } : {};
      const occurred_at = new Date(atMs).toISOString();
      await this.#deps.audit.record({ type, outcome: 'ok', occurred_at, detail: { ...detail, ...silenced } });
    }
    const recorded = new Set(changes.map(({ id }) => id));
    await record.change((state) => ({ ...state, changes: state.changes.filter(({ id }) => !recorded.has(id)) }));
  }
}

const waitsForOthers = (state: RuleState, channels: ReadonlySet<string>) =>
  state.messages.some(({ pending }) => pending.some(({ channel }) => !channels.has(channel))) ||
  state.deliveries.some(({ channel }) => !channels.has(channel));

/** Channels that are not configured any more are told nothing. */
function withoutOthers(state: RuleState, channels: ReadonlySet<string>): RuleState {
  const messages = state.messages.map((one) => ({ ...one, pending: one.pending.filter(({ channel }) => channels.has(channel)) }));
  return {
    ...state,
    messages: messages.filter(({ pending }) => pending.length > 0),
    deliveries: state.deliveries.filter(({ channel }) => channels.has(channel)),
  };
}
