import { validateHeaderName, validateHeaderValue } from 'node:http';

/** Why a header field cannot be sent; undefined where it can. Says nothing of its value. */
export function headerProblem(name: string, value: string): string | undefined {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return undefined;
  } catch {
    // Node's own message quotes nothing of the value either, but does not say what to do.
    return `the header ${name} would hold characters that HTTP does not allow, for example a line break. Correct what it refers to.`;
  }
}
