import type { AlertRuleConfig } from '@switchyard/gateway-config';
import { randomUUID } from 'node:crypto';
import { boundedFinding, FINDINGS_LIMIT, type Finding } from './finding.js';
import type { AlertChange, AlertMessage, Found, Instance, RuleState } from './rule-state.js';

const MINUTE_MS = 60_000;
/** So many are named in a message or an event; the rest are counted. */
const NAMED = 10;
/** So many messages wait for channels that are away; the oldest give way. */
const MESSAGES_LIMIT = 10;
const ENDED_LIMIT = 100;

/** How a rule is told of. */
export type Telling = Pick<AlertRuleConfig, 'forMinutes' | 'clearMinutes' | 'groupMinutes' | 'repeatMinutes' | 'sendResolved'> & {
  /** Channels that are told. */
  readonly channels: readonly string[];
};

/** What an evaluation has found, and when. */
export interface Evaluated {
  readonly findings: readonly Finding[];
  readonly nowMs: number;
  /** Whether nobody is to be told now. */
  readonly isSilenced: boolean;
}

/** What a rule's state becomes by an evaluation: what fires, what ends, and what people are told. */
export function advance(state: RuleState, { findings: found, nowMs, isSilenced }: Evaluated, telling: Telling): RuleState {
  const findings = found.slice(0, FINDINGS_LIMIT).map(boundedFinding);
  const before = new Map(state.instances.map((one) => [one.key, one]));
  const holding = findings.map((finding) =>
    fire({ ...before.get(finding.key), ...heldBy(finding, before, nowMs) }, nowMs, telling),
  );
  const keys = new Set(findings.map(({ key }) => key));
  const missing = state.instances.filter(({ key, firedAtMs }) => !keys.has(key) && firedAtMs !== undefined);
  const over = missing.filter(({ trueAtMs }) => nowMs - trueAtMs >= telling.clearMinutes * MINUTE_MS);
  const fired = holding.filter(({ key, firedAtMs }) => firedAtMs === nowMs && before.get(key)?.firedAtMs === undefined);
  const changes = [...changeOf('alert.fired', fired, nowMs, isSilenced), ...changeOf('alert.resolved', over, nowMs, isSilenced)];
  const ended = [...state.ended, ...over.filter(({ toldAtMs }) => toldAtMs !== undefined && telling.sendResolved).map(foundOf)];
  const next: RuleState = {
    ...state,
    evaluatedAtMs: nowMs,
    failure: '',
    instances: [...holding, ...missing.filter((one) => !over.includes(one))],
    ended: ended.slice(-ENDED_LIMIT),
    changes: [...state.changes, ...changes],
  };
  return isSilenced ? next : tell(next, nowMs, telling);
}

function heldBy(finding: Finding, before: ReadonlyMap<string, Instance>, nowMs: number): Instance {
  return { ...finding, about: { ...finding.about }, sinceMs: before.get(finding.key)?.sinceMs ?? nowMs, trueAtMs: nowMs };
}

function fire(one: Instance, nowMs: number, { forMinutes }: Telling): Instance {
  return one.firedAtMs === undefined && nowMs - one.sinceMs >= forMinutes * MINUTE_MS ? { ...one, firedAtMs: nowMs } : one;
}

const foundOf = ({ key, about, value, limit, says, sinceMs }: Instance): Found => ({ key, about, value, limit, says, sinceMs });

function changeOf(type: AlertChange['type'], of: readonly Instance[], atMs: number, isSilenced: boolean): AlertChange[] {
  if (of.length === 0) return [];
  return [{ id: randomUUID(), type, atMs, count: of.length, says: of.slice(0, NAMED).map(({ says }) => says), isSilenced }];
}

/** What is to be told now: what nobody was told of, what goes on for long, and what is over. */
function tell(state: RuleState, nowMs: number, telling: Telling): RuleState {
  const { groupMinutes, repeatMinutes } = telling;
  const mayTell = state.toldAtMs === undefined || nowMs - state.toldAtMs >= groupMinutes * MINUTE_MS;
  if (!mayTell) return state;
  const firing = state.instances.filter(({ firedAtMs }) => firedAtMs !== undefined);
  const untold = firing.filter(({ toldAtMs }) => toldAtMs === undefined);
  const isRepeat =
    repeatMinutes > 0 && untold.length === 0 && firing.some(({ toldAtMs = 0 }) => nowMs - toldAtMs >= repeatMinutes * MINUTE_MS);
  const messages = [
    ...messageOf('fired', untold, nowMs, telling),
    ...(isRepeat ? messageOf('firing', firing, nowMs, telling) : []),
    ...messageOf('resolved', state.ended, nowMs, telling),
  ];
  if (messages.length === 0) return state;
  const told = new Set((isRepeat ? firing : untold).map(({ key }) => key));
  return {
    ...state,
    toldAtMs: nowMs,
    ended: [],
    instances: state.instances.map((one) => (told.has(one.key) ? { ...one, toldAtMs: nowMs } : one)),
    messages: [...state.messages, ...messages.filter(({ pending }) => pending.length > 0)].slice(-MESSAGES_LIMIT),
  };
}

function messageOf(
  what: AlertMessage['what'],
  of: readonly (Found | Instance)[],
  atMs: number,
  { channels }: Telling,
): AlertMessage[] {
  if (of.length === 0) return [];
  const items = of
    .slice(0, NAMED)
    .map(({ key, about, value, limit, says, sinceMs }) => ({ key, about, value, limit, says, sinceMs }));
  const pending = channels.map((channel) => ({ channel, attempts: 0, dueAtMs: atMs }));
  return [{ id: `alert_${randomUUID()}`, what, atMs, items, count: of.length, pending }];
}
