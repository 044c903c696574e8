import type { Condition } from './filter/condition.js';

/** What somebody may read of a tenant's events. */
export type ReadScope =
  | { readonly kind: 'all' }
  | {
      readonly kind: 'some';
      /** Their own. */
      readonly issuer: string;
      readonly subject: string;
    };

/** The condition that goes into every query of theirs, whatever else it asks. Undefined: nothing is kept from them. */
export function scopeCondition(scope: ReadScope): Condition | undefined {
  if (scope.kind === 'all') return undefined;
  const text = 'principal_issuer = {scope_issuer:String} AND principal_subject = {scope_subject:String}';
  return { text, params: { scope_issuer: scope.issuer, scope_subject: scope.subject } };
}
