// What becomes of the referee's checks: passed, failed, or expected to fail.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';

/** Warnings too: what the specification says SHOULD of, the gateway does. */
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

/** What a server is free not to do (MCP 2025-11-25, "Sending Messages to the Server"): answer a list with a stream, close a stream early. */
const OPTIONAL = new Set(['server-sse-streams-functional', 'server-sse-disconnect-resume']);

/**
 * Judges what the referee found in a quadrant.
 * @param checks by scenario
 * @param direct what it found without the gateway. The referee lets a server pass that it finds nothing to examine at; here a scenario
 *   that fails nowhere must make the checks that it passes without the gateway
 * @returns counts, what failed unexpectedly, and entries of the list that are stale: their check did not fail
 */
export function judge({ quadrant, checks, direct = new Map(), expectedFailures }) {
  const all = [...checks].flatMap(([scenario, made]) =>
    [...made, ...avoided(made, direct.get(scenario) ?? [])].map((check) => ({ ...check, scenario })),
  );
  const entries = expectedFailures.filter((entry) => entry.quadrant === quadrant);
  const isListed = (check) => entries.some((entry) => isOf(entry, check));
  const failing = all.filter(({ status }) => FAILED.has(status));
  const unexpected = failing.filter((check) => !isListed(check));
  const staleEntries = entries.filter((entry) => !failing.some((check) => isOf(entry, check)));
  return {
    quadrant,
    scenarios: checks.size,
    passed: all.filter(isPassed).length,
    failed: unexpected.length,
    expected: failing.length - unexpected.length,
    stale: staleEntries.length,
    failures: unexpected.map(({ scenario, id, details, ...check }) => ({
      scenario,
      check: id,
      message: messageOf(check, details),
      details,
    })),
    staleEntries,
  };
}

const isOf = (entry, { scenario, id }) => entry.scenario === scenario && entry.check === id;

const isPassed = ({ status }) => status === 'SUCCESS';

const messageOf = ({ errorMessage, description }, details) => errorMessage || details?.message || `Not so: ${description}`;

function avoided(made, direct) {
  if (made.some(({ status }) => FAILED.has(status))) return [];
  const passed = new Set(made.filter(isPassed).map(({ id }) => id));
  const ids = new Set(direct.filter(isPassed).map(({ id }) => id));
  return [...ids.difference(passed).difference(OPTIONAL)].map((id) => ({
    id,
    status: 'FAILURE',
    errorMessage: 'Passes without the gateway; with it the referee did not come to make this check.',
  }));
}
