import type { z } from 'zod';

const KINDS: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a map of keys',
  record: 'a map of keys',
  array: 'a list',
  null: 'empty',
};

/** What is wrong with a value, as one sentence that never shows the value. For zod's `error` parameter. */
export function sentenceFor(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'is required but missing. Add it.';
      return `must be ${kindName(issue.expected)}, but is ${kindOf(issue.input)}.`;
    case 'invalid_value':
      if (issue.input === undefined) return `is required but missing. Use ${listed(issue.values)}.`;
      return `must be ${listed(issue.values)}.`;
    case 'too_small':
      return `must ${bound(issue.origin)} at least ${issue.minimum}${unit(issue.origin)}.`;
    case 'too_big':
      return `must ${bound(issue.origin)} at most ${issue.maximum}${unit(issue.origin)}.`;
    case 'invalid_union':
      return 'has none of the accepted forms.';
    default:
      return undefined;
  }
}

const kindName = (expected: string) => KINDS[expected] ?? expected;

function kindOf(input: unknown): string {
  if (input === null) return 'empty';
  return kindName(Array.isArray(input) ? 'array' : typeof input);
}

const listed = (values: readonly unknown[]) => values.map((value) => JSON.stringify(value)).join(' or ');
const bound = (origin: string) => (origin === 'number' || origin === 'int' ? 'be' : 'have');
const unit = (origin: string) => ({ string: ' characters', array: ' entries', record: ' keys' })[origin] ?? '';
