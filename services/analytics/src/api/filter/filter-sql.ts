import type { QueryParams } from '../../engine/engine.js';
import type { Condition } from './condition.js';
import type { Comparison, Filter, Operator } from './parse-filter.js';
import type { SoughtText } from './parse-words.js';

const SQL_OPERATORS: Readonly<Record<Exclude<Operator, '~' | '!~'>, string>> = {
  '=': '=',
  '!=': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
};

const PLACEHOLDERS: Readonly<Record<Comparison['column']['of'], (name: string) => string>> = {
  text: (name) => `{${name}:String}`,
  number: (name) => `{${name}:Int64}`,
  time: (name) => `fromUnixTimestamp64Milli({${name}:Int64}, 'UTC')`,
};

/** Writes the condition that a filter is. */
export function filterCondition(filter: Filter): Condition {
  const params: Record<string, string> = {};
  const bind = (value: string) => {
    const name = `filter_${Object.keys(params).length}`;
    params[name] = value;
    return name;
  };
  return { text: textOf(filter, bind), params };
}

type Bind = (value: string) => string;

function textOf(filter: Filter, bind: Bind): string {
  if (filter.kind === 'not') return `NOT (${textOf(filter.part, bind)})`;
  if (filter.kind === 'comparison') return comparisonText(filter, bind);
  return filter.parts.map((part) => `(${textOf(part, bind)})`).join(filter.kind === 'and' ? ' AND ' : ' OR ');
}

function comparisonText({ name, column, key, operator, value }: Comparison, bind: Bind): string {
  const isNegated = operator.startsWith('!');
  if (column.shape === 'list') {
    const test = compared('value', isNegated ? positive(operator) : operator, column.of, bind(value));
    return `${isNegated ? 'NOT ' : ''}arrayExists(value -> ${test}, ${name})`;
  }
  const left = key === undefined ? name : `${name}[{${bind(key)}:String}]`;
  return compared(left, operator, column.of, bind(value));
}

const positive = (operator: Operator): Operator => (operator === '!~' ? '~' : '=');

function compared(left: string, operator: Operator, of: Comparison['column']['of'], placeholder: string): string {
  const right = PLACEHOLDERS[of](placeholder);
  if (operator === '~' || operator === '!~') return `${contains(left, right)} ${operator === '~' ? '>' : '='} 0`;
  return `${left} ${SQL_OPERATORS[operator]} ${right}`;
}

const contains = (left: string, right: string) => `positionCaseInsensitiveUTF8(${left}, ${right})`;

/** Where a full-text search looks: what was called, and what went wrong. */
export const SEARCHED = ['capability', 'upstream_capability', 'reason'] as const;

/** Writes the condition that a full-text search is. */
export function wordsCondition(sought: readonly SoughtText[]): Condition {
  const params: QueryParams = Object.fromEntries(sought.map(({ text }, index) => [`word_${index}`, text]));
  const tests = sought.map(({ isExcluded }, index) => {
    const right = `{word_${index}:String}`;
    const places = SEARCHED.map((column) => `${contains(column, right)} > 0`);
    const inDetail = `arrayExists(value -> ${contains('value', right)} > 0, mapValues(detail))`;
    return `${isExcluded ? 'NOT ' : ''}(${[...places, inDetail].join(' OR ')})`;
  });
  return { text: tests.join(' AND '), params };
}
