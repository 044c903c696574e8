import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { startNode } from './program.mjs';

const PACKAGE = path.dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json'));
const REFEREE = path.join(PACKAGE, 'dist/index.js');

/** Revisions of the specification that clients are examined with. */
export const REVISIONS = ['2025-11-25', '2026-07-28'];

/** Longest that the referee may take for one scenario; for one with its start and end; for all of a revision. */
const SCENARIO_MS = 20_000;
const ONE_MS = 60_000;
const ALL_MS = 240_000;

/** No revision requires them: the specification says what an authorization server must do, not that there is one. Ours is asked for both. */
const AUTHORIZATION_SERVER = ['authorization-server-metadata-endpoint', 'authorization-code-grant'];

const AUTHORIZATION_URL = /^https?:\S+[?&]response_type=code\S*$/m;

const requirementsOf = async (revision) => parse(await readFile(path.join(PACKAGE, 'requirements', `${revision}.yaml`), 'utf8'));

const names = (entry, scenario) => (entry.endsWith('*') ? scenario.startsWith(entry.slice(0, -1)) : scenario === entry);

/** Optional extensions that are not asked of the gateway. @throws Error where an entry has no reason, or is no extension of these revisions */
export async function readNotAsked(revisions, file = path.join(import.meta.dirname, 'not-asked.yaml')) {
  const entries = parse(await readFile(file, 'utf8'));
  const sets = await Promise.all(revisions.map(requirementsOf));
  const extensions = sets.flatMap((set) => set.not_scored).filter(({ reason }) => reason === 'extension');
  for (const entry of entries) {
    if (typeof entry.reason !== 'string') throw new Error(`${file}: ${JSON.stringify(entry)} lacks a reason`);
    if (!extensions.some(({ scenario }) => names(entry.scenario, scenario)))
      throw new Error(`${file}: the referee has no extension ${entry.scenario}`);
  }
  return entries;
}

/**
 * What a revision requires of a role, with what the suite runs besides: its pending scenarios, those younger than the revision, and
 * those of optional extensions.
 * @param role `server`, `client` or `authorization-server`
 */
export async function scenariosOf(revision, role) {
  if (role === 'authorization-server') return AUTHORIZATION_SERVER;
  const [sets, notAsked] = await Promise.all([requirementsOf(revision), readNotAsked(REVISIONS)]);
  const besides = sets.not_scored.filter(({ leg }) => leg === role).map(({ scenario }) => scenario);
  return [...sets[role], ...besides].filter((scenario) => !notAsked.some((entry) => names(entry.scenario, scenario)));
}

/**
 * Has the referee examine a server.
 * @param only one scenario instead of all that the revision requires
 * @returns the checks it made, by scenario; a scenario that left none counts as one failed check
 */
export function examineServer({ url, revision, only }) {
  const which = only === undefined ? ['--requirements', revision] : ['--scenario', only, '--spec-version', revision];
  return examine(['server', '--url', url, ...which], { revision, role: 'server', only });
}

/** Has the referee examine a client: it starts a server for each scenario, and gives its URL to `command`. */
export function examineClient({ command, revision, only, env }) {
  // Scenarios of extensions belong to no revision: they are run with the clients of each.
  return examine(['client', '--command', command, '--scenario', only, '--spec-version', revision, '--force'], {
    revision,
    role: 'client',
    only,
    env,
  });
}

/**
 * Has the referee examine an authorization server. The second scenario needs what the first found, so both always run.
 * @param onAuthorizationUrl given the address that a browser has to go to; the referee waits for where it leads
 */
export async function examineAuthorizationServer({ url, clientId, resource, port, revision, only, onAuthorizationUrl }) {
  const client = ['--client-id', clientId, '--resource', resource, '--port', String(port)];
  const checks = await examine(['authorization', '--url', url, ...client, '--spec-version', revision], {
    revision,
    role: 'authorization-server',
    only,
    whileRunning: async (referee) => {
      await referee.written(AUTHORIZATION_URL, SCENARIO_MS);
      await onAuthorizationUrl(AUTHORIZATION_URL.exec(referee.output())[0]);
    },
  });
  return new Map([...checks].map(([scenario, made]) => [scenario, made.map(skippedIsFailure)]));
}

/** It skips what the server says that it cannot do; ours can. */
const skippedIsFailure = (check) => (check.status === 'SKIPPED' ? { ...check, status: 'FAILURE' } : check);

async function examine(args, { revision, role, only, env, whileRunning }) {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'switchyard-referee-'));
  const limits = role === 'authorization-server' ? [] : ['--timeout', String(SCENARIO_MS)];
  const referee = startNode([REFEREE, ...args, '--output-dir', dir, ...limits], { cwd: dir, env });
  const late = setTimeout(() => referee.end(0), only === undefined ? ALL_MS : ONE_MS);
  // Where it fails, the referee says what it has not seen.
  await whileRunning?.(referee).catch((error) => referee.end(0).then(() => console.error(error)));
  await referee.exited;
  clearTimeout(late);
  const made = await checksIn(dir);
  await rm(dir, { recursive: true, force: true });
  const scenarios = only === undefined ? await scenariosOf(revision, role) : [only];
  return new Map(scenarios.map((scenario) => [scenario, made.get(scenario) ?? [notMade(referee.output())]]));
}

/** Every scenario's `checks.json`. Folders are named `<role>-<scenario>-<time>`, or without the role. */
async function checksIn(dir) {
  const made = new Map();
  for (const file of await readdir(dir, { recursive: true })) {
    if (path.basename(file) !== 'checks.json') continue;
    const [, scenario] =
      /^(?:(?:authorization-)?server-(?=.*-\d{4}-\d\d-\d\dT))?(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(path.dirname(file)) ?? [];
    made.set(scenario, JSON.parse(await readFile(path.join(dir, file), 'utf8')));
  }
  return made;
}

const notMade = (output) => ({
  id: 'examined',
  status: 'FAILURE',
  errorMessage: `the referee made no check: ${output.trim().split('\n').at(-1)}`,
});
