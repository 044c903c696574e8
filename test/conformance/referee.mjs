import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { startNode } from './program.mjs';

const PACKAGE = path.dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json'));
const REFEREE = path.join(PACKAGE, 'dist/index.js');

/** Longest that the referee may take for one scenario; for one with its start and end; for all of a revision. */
const SCENARIO_MS = 20_000;
const ONE_MS = 60_000;
const ALL_MS = 240_000;

/** No revision requires them: the specification says what an authorization server must do, not that there is one. Ours is asked for both. */
const AUTHORIZATION_SERVER = ['authorization-server-metadata-endpoint', 'authorization-code-grant'];

const AUTHORIZATION_URL = /^https?:\S+[?&]response_type=code\S*$/m;

/** Optional extensions that the fixtures do not have are not asked of the gateway. */
const isAsked = ({ reason }) => reason !== 'extension';

/**
 * What a revision requires of a role, with what the suite runs besides: its pending scenarios, and those younger than the revision.
 * @param role `server`, `client` or `authorization-server`
 */
export async function scenariosOf(revision, role) {
  if (role === 'authorization-server') return AUTHORIZATION_SERVER;
  const sets = parse(await readFile(path.join(PACKAGE, 'requirements', `${revision}.yaml`), 'utf8'));
  const required = sets[role].map((scenario) => ({ scenario }));
  const besides = sets.not_scored.filter(({ leg }) => leg === role);
  return [...required, ...besides].filter(isAsked).map(({ scenario }) => scenario);
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
  return examine(['client', '--command', command, '--scenario', only, '--spec-version', revision], {
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
