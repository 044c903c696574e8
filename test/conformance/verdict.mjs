// What becomes of the referee's checks: passed, failed, or expected to fail.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';

/** Weaker than required is not good enough here: what the specification says SHOULD of, the gateway does. */
const FAILED = new Set(['FAILURE', 'WARNING']);

/** Failures that are known, each with its reason. @throws Error where an entry does not say which, or why */
export async function readExpectedFailures(file = path.join(import.meta.dirname, 'expected-failures.yaml')) {
  const entries = parse(await readFile(file, 'utf8')) ?? [];
  for (const entry of entries) {
    const missing = ['quadrant', 'scenario', 'check', 'reason'].filter((key) => typeof entry[key] !== 'string');
    if (missing.length > 0) throw new Error(`${file}: ${JSON.stringify(entry)} lacks ${missing.join(', ')}`);
  }
  return entries;
}

/**
 * Judges what the referee found in a quadrant.
 * @param checks by scenario
 * @returns counts, what failed unexpectedly, and entries of the list that are stale: their check passed, or there is none of that name
 */
export function judge(quadrant, checks, expectedFailures) {
  const entries = expectedFailures.filter((entry) => entry.quadrant === quadrant && checks.has(entry.scenario));
  const seen = [...checks].flatMap(([scenario, made]) => made.map((check) => ({ scenario, ...check })));
  const failing = seen.filter(({ status }) => FAILED.has(status));
  const names =
    ({ scenario, check }) =>
    (made) =>
      made.scenario === scenario && made.id === check;
  const stale = entries.filter((entry) => !failing.some(names(entry)));
  const unexpected = failing.filter((made) => !entries.some((entry) => names(entry)(made)));
  return {
    quadrant,
    scenarios: checks.size,
    passed: seen.filter(({ status }) => status === 'SUCCESS').length,
    failed: unexpected.length,
    expected: failing.length - unexpected.length,
    stale: stale.length,
    failures: unexpected.map(({ scenario, id, errorMessage = '', details }) => ({
      quadrant,
      scenario,
      check: id,
      message: errorMessage,
      details,
    })),
    staleEntries: stale,
  };
}
