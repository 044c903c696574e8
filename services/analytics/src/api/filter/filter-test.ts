import type { EventJson } from '@switchyard/contracts';
import { namedIn, namedTextsIn, numberIn, numberOf, textIn, textsIn, timeIn } from './event-values.js';
import { SEARCHED } from './filter-sql.js';
import type { Comparison, Filter, Operator } from './parse-filter.js';
import type { SoughtText } from './parse-words.js';

/** Whether an event is one of those that are meant. */
export type EventTest = (event: EventJson) => boolean;

// One character becomes one character, as in ClickHouse: what grows or shrinks stays as it is.
const folded = (text: string) =>
  text.replace(/\p{Lu}|\p{Lt}/gu, (character) => {
    const lower = character.toLowerCase();
    return lower.length === character.length ? lower : character;
  });

/** Whether a text has another in it, whatever the case. @param sought folded */
const contains = (text: string, sought: string) => folded(text).includes(sought);

const ORDERS: Readonly<Record<string, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '!=': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

/** Does to an event in memory what `filterCondition` does to rows. */
export function filterTest(filter: Filter): EventTest {
  if (filter.kind === 'not') {
    const test = filterTest(filter.part);
    return (event) => !test(event);
  }
  if (filter.kind === 'comparison') return comparisonTest(filter);
  const tests = filter.parts.map(filterTest);
  return filter.kind === 'and' ? (event) => tests.every((test) => test(event)) : (event) => tests.some((test) => test(event));
}

function comparisonTest({ name, column, key, operator, value }: Comparison): EventTest {
  if (column.of === 'text') return textTest(name, column.shape, key ?? '', operator, value);
  const holds = ORDERS[operator] ?? (() => false);
  const order = (left: bigint | number, right: bigint | number) => (left < right ? -1 : left > right ? 1 : 0);
  if (column.of === 'time') return (event) => holds(order(timeIn(event, name), Number(value)));
  const right = BigInt(value);
  return key === undefined
    ? (event) => holds(order(numberIn(event, name), right))
    : (event) => holds(order(numberOf(namedIn(event, name, key)), right));
}

function textTest(name: string, shape: Comparison['column']['shape'], key: string, operator: Operator, value: string): EventTest {
  const isNegated = operator.startsWith('!');
  const sought = folded(value);
  const matches = operator.endsWith('~') ? (text: string) => contains(text, sought) : (text: string) => text === value;
  if (shape === 'list') return (event) => textsIn(event, name).some(matches) !== isNegated;
  if (shape === 'one') return (event) => matches(textIn(event, name)) !== isNegated;
  return (event) => {
    const text = namedIn(event, name, key);
    return matches(typeof text === 'string' ? text : '') !== isNegated;
  };
}

/** Does to an event in memory what `wordsCondition` does to rows. */
export function wordsTest(sought: readonly SoughtText[]): EventTest {
  const tests = sought.map(({ text, isExcluded }) => ({ text: folded(text), isExcluded }));
  return (event) => {
    const places = [...SEARCHED.map((field) => textIn(event, field)), ...namedTextsIn(event, 'detail')];
    return tests.every(({ text, isExcluded }) => places.some((place) => contains(place, text)) !== isExcluded);
  };
}
