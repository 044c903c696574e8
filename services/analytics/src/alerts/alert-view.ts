import type { AlertView } from '@switchyard/contracts';
import type { KvStore } from '@switchyard/state';
import type { ConfiguredRule } from './alert-config.js';
import { readRuleState, type RuleState } from './rule-state.js';
import { silenceOf, type Silence } from './silences.js';
import { isWithin } from './silence-windows.js';

const SHOWN = 20;
const time = (ms: number) => new Date(ms).toISOString();

/** How an alert is, as whoever evaluates it has stored it last. @throws StateUnavailable */
export async function viewAlert(kv: KvStore, configured: ConfiguredRule, nowMs: number): Promise<AlertView> {
  const { name, rule, identity } = configured;
  const stored = await readRuleState(kv, name);
  const silence = await silenceOf(kv, name, nowMs);
  return {
    name,
    kind: rule.kind,
    ...viewState(stored?.identity === identity ? stored : undefined),
    silenced: silence !== undefined || isWithin(rule.silence, nowMs),
    ...viewSilence(silence),
  };
}

function viewSilence(silence: Silence | undefined) {
  if (silence === undefined) return {};
  return { silencedUntil: time(silence.untilMs), silencedBy: silence.by, silencedBecause: silence.reason };
}

function viewState(state: RuleState | undefined) {
  if (state === undefined) return { state: 'unknown' as const, count: 0, firing: [], failure: '', deliveries: [] };
  const fired = state.instances.filter(({ firedAtMs }) => firedAtMs !== undefined);
  const shown = fired.length > 0 ? fired : state.instances;
  const [first] = shown;
  const kind = fired.length > 0 ? ('firing' as const) : first === undefined ? ('ok' as const) : ('pending' as const);
  return {
    state: state.evaluatedAtMs === undefined ? ('unknown' as const) : kind,
    ...(first === undefined
      ? {}
      : { since: time(Math.min(...shown.map(({ sinceMs }) => sinceMs))), value: first.value, limit: first.limit }),
    count: shown.length,
    firing: fired
      .slice(0, SHOWN)
      .map(({ says, about, value, limit, sinceMs }) => ({ what: says, about, value, limit, since: time(sinceMs) })),
    ...(state.evaluatedAtMs === undefined ? {} : { evaluatedAt: time(state.evaluatedAtMs) }),
    failure: state.failure,
    deliveries: state.deliveries.map(({ channel, atMs, state: became, reason }) => ({
      channel,
      at: time(atMs),
      state: became,
      reason,
    })),
  };
}
