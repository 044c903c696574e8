import { EVENT_TYPES } from '@switchyard/contracts';
import type { SinkConfig } from '@switchyard/gateway-config';
import { allOf, type Condition } from '../api/filter/condition.js';

/** Which events a rule counts. */
export type RuleFilter = Partial<SinkConfig['filter']>;

const COLUMNS = { outcomes: 'outcome', servers: 'server', upstreams: 'upstream' } as const;

/** What counts as a call: a request's own event, whether it was done or refused; not its hops, nor its lists and sessions. */
export const CALL_TYPES = [
  'tool.called',
  'prompt.got',
  'resource.read',
  'completion.made',
  'task.used',
  'policy.denied',
  'request.refused',
];

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

function typesOf(patterns: readonly string[]): string[] {
  const expressions = patterns.map((pattern) => new RegExp(`^${pattern.split('*').map(escaped).join('.*')}$`));
  return EVENT_TYPES.filter((type) => expressions.some((expression) => expression.test(type)));
}

/** A condition that a column has one of some values, which are parameters. */
export function among(name: string, column: string, values: readonly string[]): Condition {
  const params = Object.fromEntries(values.map((value, index) => [`${name}_${index}`, value]));
  const places = Object.keys(params).map((key) => `{${key}:String}`);
  // Nothing is among nothing.
  return { text: places.length === 0 ? '0' : `${column} IN (${places.join(', ')})`, params };
}

/** Writes what a rule's filter says. It must match all of it, as events of a sink do. */
export function filterConditions(filter: RuleFilter): Condition[] {
  const { types, teams } = filter;
  const plain = (['outcomes', 'servers', 'upstreams'] as const).flatMap((key) => {
    const values = filter[key];
    return values === undefined ? [] : [among(`rule_${key}`, COLUMNS[key], values)];
  });
  if (types !== undefined) plain.push(among('rule_types', 'type', typesOf(types)));
  if (teams !== undefined) {
    const params = Object.fromEntries(teams.map((team, index) => [`rule_teams_${index}`, team]));
    const tests = Object.keys(params).map((key) => `has(teams, {${key}:String})`);
    plain.push({ text: tests.length === 0 ? '0' : tests.join(' OR '), params });
  }
  return plain;
}

/** A stretch of time: from its first millisecond to the first that is not in it. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Writes that an event happened in one of some stretches of time. */
export function happenedIn(spans: readonly Span[]): Condition {
  const params: Record<string, number> = {};
  const texts = spans.map(({ fromMs, toMs }, index) => {
    params[`from_${index}`] = fromMs;
    params[`to_${index}`] = toMs;
    return `(occurred_at >= fromUnixTimestamp64Milli({from_${index}:Int64}, 'UTC') AND occurred_at < fromUnixTimestamp64Milli({to_${index}:Int64}, 'UTC'))`;
  });
  return { text: texts.join(' OR '), params };
}

/** Writes that a minute is in some stretches of time, which begin and end with one. */
export function inMinutes(spans: readonly Span[]): Condition {
  const params: Record<string, number> = {};
  const texts = spans.map(({ fromMs, toMs }, index) => {
    params[`from_${index}`] = Math.floor(fromMs / 1000);
    params[`to_${index}`] = Math.floor(toMs / 1000);
    return `(minute >= toDateTime({from_${index}:Int64}, 'UTC') AND minute < toDateTime({to_${index}:Int64}, 'UTC'))`;
  });
  return { text: texts.join(' OR '), params };
}

/** Rows of a tenant, at some time, that a filter lets through. */
export function ruleCondition(tenant: string, when: Condition, filter: RuleFilter, more: readonly Condition[]): Condition {
  return allOf([{ text: 'tenant = {tenant:String}', params: { tenant } }, when, ...filterConditions(filter), ...more]);
}
