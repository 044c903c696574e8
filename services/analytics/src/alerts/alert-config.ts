import type { AuditSink, Snapshot } from '@switchyard/contracts';
import { LOOPBACK } from '@switchyard/egress';
import { alertRuleSchema, isLoopbackHost, type AlertRuleConfig } from '@switchyard/gateway-config';

/** A rule of the configuration that is served. */
export interface ConfiguredRule {
  readonly name: string;
  readonly rule: AlertRuleConfig;
  /** Channels that are told. */
  readonly channels: readonly string[];
  /** Kind, and what it judges: what is known of a rule holds as long as that stays the same. */
  readonly identity: string;
}

/** What a configuration says of alerts. */
export interface AlertConfig {
  readonly rules: readonly ConfiguredRule[];
  readonly channels: readonly AuditSink[];
  /** Special-purpose ranges that every channel may reach. */
  readonly allowed: readonly string[];
}

/** Nothing is configured. */
export const NO_ALERTS: AlertConfig = { rules: [], channels: [], allowed: [] };

/** Reads what a configuration says of alerts. */
export function alertConfigOf({ alertRules, alertChannels, publicUrl }: Snapshot): AlertConfig {
  const all = alertChannels.map(({ name }) => name);
  const rules = alertRules.map(({ name, settings }) => {
    const rule = alertRuleSchema.parse(JSON.parse(settings));
    const channels = rule.notify === undefined ? all : rule.notify.filter((channel) => all.includes(channel));
    return { name, rule, channels, identity: identityOf(rule) };
  });
  return { rules, channels: alertChannels, allowed: isLoopbackHost(URL.parse(publicUrl)?.hostname ?? '') ? LOOPBACK : [] };
}

function identityOf(rule: AlertRuleConfig): string {
  const { kind } = rule;
  return JSON.stringify([kind, 'per' in rule ? rule.per : '', 'measure' in rule ? rule.measure : '']);
}
