// `npm test`: finds or fetches what the tests need beyond npm, builds, and runs them all.
//   npm test [-- <jest arguments>]
// Ends with one line: `N passed, N failed`. A skipped test counts as failed: nothing may be skipped silently.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ensureChromium } from './ensure-chromium.mjs';
import { ensureNatsServer } from './ensure-nats-server.mjs';
import { ensureRsyslog } from './ensure-rsyslog.mjs';
import { root } from './fetching.mjs';

const jestArgs = process.argv.slice(2);

async function neededPrograms() {
  const env = {};
  // A server that stands ready serves all tests but those that kill one; these search for the program themselves.
  if (!process.env.TEST_NATS_URL) env.SWITCHYARD_TEST_NATS_SERVER = await ensureNatsServer();
  env.SWITCHYARD_TEST_CHROMIUM = await ensureChromium();
  env.SWITCHYARD_TEST_RSYSLOG = await ensureRsyslog();
  return env;
}

/** Half of the cores, at least two, as far as memory goes: tests start servers of their own. */
function workerArgs() {
  if (jestArgs.some((arg) => /^(-w|-i|--maxWorkers|--runInBand)\b/.test(arg))) return [];
  const byCores = Math.max(2, Math.floor(os.availableParallelism() / 2));
  const byMemory = Math.max(1, Math.floor(os.totalmem() / (2 * 1024 ** 3)));
  return [`--maxWorkers=${Math.min(byCores, byMemory)}`];
}

async function node(script, args, env) {
  const child = spawn(process.execPath, [script, ...args], { cwd: root, env: { ...process.env, ...env }, stdio: 'inherit' });
  const [code] = await once(child, 'close');
  return code ?? 1;
}

/** @returns what the reporter counted; a jest that did not come so far has failed */
async function totalsFrom(file) {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, skipped: [] };
  }
}

/** With a name pattern the tests that it leaves out count as skipped in jest's books; that is what was asked for. */
const leavesTestsOut = jestArgs.some((arg) => /^(-t|--testNamePattern)\b/.test(arg));

function conclude(totals, exitCode) {
  const skipped = leavesTestsOut ? [] : totals.skipped;
  for (const name of skipped) console.log(`skipped, which counts as failed: ${name}`);
  console.log(`\n${totals.passed} passed, ${totals.failed + skipped.length} failed`);
  return exitCode || (totals.failed + skipped.length > 0 ? 1 : 0);
}

async function test() {
  const env = await neededPrograms();
  const built = await node(path.join(root, 'tools/build.mjs'), ['--quiet'], {});
  if (built !== 0) return built;
  const dir = await mkdtemp(path.join(os.tmpdir(), 'switchyard-test-run-'));
  const totalsFile = path.join(dir, 'totals.json');
  const reporters = ['--reporters=default', `--reporters=${path.join(root, 'tools/jest-totals.mjs')}`];
  const exitCode = await node(path.join(root, 'node_modules/jest/bin/jest.js'), [...workerArgs(), ...jestArgs, ...reporters], {
    ...env,
    SWITCHYARD_TEST_TOTALS: totalsFile,
    // What one process has compiled, the next ones load: packages in workers, and services that tests start.
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? path.join(root, '.cache/compiled'),
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --disable-warning=ExperimentalWarning`.trim(),
  });
  const totals = await totalsFrom(totalsFile);
  await rm(dir, { recursive: true, force: true });
  return conclude(totals, exitCode);
}

// An interrupt reaches jest too, which ends the servers; this process waits for it.
process.on('SIGINT', () => {});
try {
  process.exitCode = await test();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
