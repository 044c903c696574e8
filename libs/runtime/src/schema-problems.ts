import type { z } from 'zod';
import { knownKeys } from './schema-keys.js';
import { suggest } from './suggest.js';

/** A problem found by a schema, before it is placed in a text. */
export interface SchemaProblem {
  readonly path: readonly PropertyKey[];
  /** Whether the key at the end of the path is meant, or its value. */
  readonly part: 'key' | 'value';
  readonly message: string;
}

/** Problems behind a zod error: unknown keys one by one with the key that was probably meant, unions by their closest branch. */
export function problemsOf(error: z.core.$ZodError, schema: z.core.$ZodType): SchemaProblem[] {
  return error.issues.flatMap((issue) => problemsOfIssue(issue, [], schema));
}

function problemsOfIssue(issue: z.core.$ZodIssue, prefix: readonly PropertyKey[], schema: z.core.$ZodType): SchemaProblem[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(path, key, schema));
  if (issue.code === 'invalid_key') return [{ path, part: 'key', message: issue.issues[0]?.message ?? issue.message }];
  const branch = issue.code === 'invalid_union' ? closestBranch(issue.errors) : undefined;
  if (branch) return branch.flatMap((inner) => problemsOfIssue(inner, path, schema));
  return [{ path, part: 'value', message: issue.message }];
}

const WRONG_ALTOGETHER: ReadonlySet<string | undefined> = new Set(['invalid_type', 'invalid_value']);

// A branch whose container already has the wrong type is not what the author meant.
function closestBranch(branches: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  const meant = branches.filter((issues) => !issues.some(({ code, path }) => path.length === 0 && WRONG_ALTOGETHER.has(code)));
  return meant.toSorted((left, right) => left.length - right.length)[0];
}

function unknownKey(path: readonly PropertyKey[], key: string, schema: z.core.$ZodType): SchemaProblem {
  const known = knownKeys(schema, path);
  const meant = suggest(key, known);
  const fix = meant ? `Did you mean "${meant}"?` : `Known keys: ${known.join(', ')}.`;
  return { path: [...path, key], part: 'key', message: `unknown key. ${fix}` };
}
