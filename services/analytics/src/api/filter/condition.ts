import type { QueryParams } from '../../engine/engine.js';

/** A condition of a query. Whatever anybody wrote is in the values; the text is ours alone. */
export interface Condition {
  readonly text: string;
  readonly params: QueryParams;
}

/** Joins conditions, each in parentheses. */
export function allOf(conditions: readonly Condition[]): Condition {
  return {
    text: conditions.map(({ text }) => `(${text})`).join('\n  AND '),
    params: Object.assign({}, ...conditions.map(({ params }) => params)) as QueryParams,
  };
}
