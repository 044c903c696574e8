// From `npm start` to the first answered tool call, on an installed workspace. A program, not a test: it prints what it measured.
//   node test/bench/cold-start.mjs [--runs N] [--json]
// Serves the sample switchyard.yaml from an empty folder, as a first start does, and calls as README.md says.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { median } from './figures.mjs';
import { freePort } from './processes.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const switchyard = path.join(root, 'services/standalone/bin/switchyard.mjs');
const LIMIT_MS = 60_000;
const BUDGET_MS = 5_000;

const { values: options } = parseArgs({ options: { runs: { type: 'string', default: '5' }, json: { type: 'boolean' } } });

/** A folder that looks like a fresh clone after `npm ci`, with the sample on a free port. */
async function freshFolder() {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'switchyard-cold-start-'));
  for (const name of ['node_modules', 'examples']) await symlink(path.join(root, name), path.join(dir, name));
  const sample = await readFile(path.join(root, 'switchyard.yaml'), 'utf8');
  const port = await freePort();
  const moved = sample.replace(/publicUrl: .*/, `publicUrl: http://localhost:${port}\n  port: ${port}`);
  await writeFile(path.join(dir, 'switchyard.yaml'), moved);
  return dir;
}

/** Runs a program; `output` grows while it runs. */
function start(args, cwd) {
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const program = { child, output: '', exited: once(child, 'close') };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (program.output += text));
  return program;
}

async function run(args, cwd) {
  const program = start(args, cwd);
  const [code] = await program.exited;
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}:\n${program.output}`);
  return program.output;
}

/** Until what people see after `npm start` is there. */
async function ready(gateway) {
  for await (const _text of gateway.child.stdout.iterator({ destroyOnReturn: false }))
    if (gateway.output.includes('claude mcp add')) return;
  throw new Error(`the gateway ended before it was ready:\n${gateway.output}`);
}

/** One first start, timed. */
async function measure() {
  const dir = await freshFolder();
  const startedAt = performance.now();
  let gateway;
  try {
    await run([path.join(root, 'tools/build.mjs'), '--quiet'], root);
    const builtMs = performance.now() - startedAt;
    gateway = start([switchyard, 'up'], dir);
    await ready(gateway);
    const readyMs = performance.now() - startedAt;
    const answer = await run([switchyard, 'call', 'demo', 'echo', '{"message":"hello"}'], dir);
    const answeredMs = performance.now() - startedAt;
    return { builtMs, readyMs, answeredMs, answer: answer.trim(), printed: gateway.output };
  } finally {
    gateway?.child.kill('SIGTERM');
    await gateway?.exited;
    await rm(dir, { recursive: true, force: true });
  }
}

const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;

setTimeout(
  () => {
    console.error(`not done within ${LIMIT_MS * Number(options.runs)} ms`);
    process.exit(1);
  },
  LIMIT_MS * Number(options.runs),
).unref();

const runs = [];
for (let made = 0; made < Number(options.runs); made += 1) runs.push(await measure());
const result = {
  runs: runs.length,
  builtMs: Math.round(median(runs.map(({ builtMs }) => builtMs))),
  readyMs: Math.round(median(runs.map(({ readyMs }) => readyMs))),
  answeredMs: Math.round(median(runs.map(({ answeredMs }) => answeredMs))),
  budgetMs: BUDGET_MS,
};
if (options.json) console.log(JSON.stringify({ ...result, answer: runs[0].answer, printed: runs[0].printed }));
else {
  console.log(`cold start, median of ${result.runs}`);
  console.log(`  compiled, nothing to do     ${seconds(result.builtMs)}`);
  console.log(`  ready, endpoint printed     ${seconds(result.readyMs)}`);
  console.log(`  first tool call answered    ${seconds(result.answeredMs)}   (budget ${seconds(BUDGET_MS)})`);
}
