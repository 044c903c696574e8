// Contracts in proto/: lint, generated code, compatibility.
//   node tools/proto.mjs                    lint, refuse breaking changes, generate, advance the baseline
//   node tools/proto.mjs --accept-breaking  the same, but a breaking change becomes the new baseline (needs an ADR)
//   node tools/proto.mjs --check            change nothing; fail on lint, on stale generated code, on a breaking change
// `--root DIR` works on another copy of the workspace (tests).
//
// proto/baseline.binpb is the contract that was committed last. `npm run proto` advances it with every compatible change, in the
// same commit, so that what was added is protected from then on, and a fresh clone can be checked without any history.
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const here = path.resolve(import.meta.dirname, '..');
const { values: options } = parseArgs({
  options: { check: { type: 'boolean' }, 'accept-breaking': { type: 'boolean' }, root: { type: 'string', default: here } },
});
const protoDir = path.join(options.root, 'proto');
const generated = path.join('libs', 'contracts', 'src', 'gen');
const baseline = path.join(protoDir, 'baseline.binpb');

/** Runs buf in proto/; its findings go to this program's output. Returns whether it found nothing. */
function buf(...args) {
  const bin = path.join(here, 'node_modules', '.bin');
  const env = { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH}` };
  const { status, error } = spawnSync(path.join(bin, 'buf'), args, {
    cwd: protoDir,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (error) throw error;
  return status === 0;
}

async function filesUnder(dir) {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  return new Map(await Promise.all(files.map(async (file) => [path.relative(dir, file), await readFile(file, 'utf8')])));
}

/** Files of the generated code that differ from what proto/ says now. */
async function staleFiles() {
  const scratch = await mkdtemp(path.join(tmpdir(), 'switchyard-proto-'));
  try {
    // buf.gen.yaml names its output relative to proto/.
    if (!buf('generate', '--output', path.join(scratch, 'proto'))) return ['(not generated)'];
    const [committed, fresh] = await Promise.all([
      filesUnder(path.join(options.root, generated)),
      filesUnder(path.join(scratch, generated)),
    ]);
    return [...new Set([...committed.keys(), ...fresh.keys()])].filter((file) => committed.get(file) !== fresh.get(file));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const lint = () => buf('lint') || 'lint: see above';

const compatible = () =>
  buf('breaking', '--against', baseline) ||
  'breaking: the changes above break services that run the last version. Add instead of changing, or start a v2 package.';

async function upToDate() {
  const stale = await staleFiles();
  return stale.length === 0 || `stale: ${generated} differs from proto/ in ${stale.join(', ')}. Run: npm run proto`;
}

async function check() {
  const problems = [lint(), compatible()].filter((result) => result !== true);
  // What is generated is out of date with every change, and may be generated anew only from one that these let through.
  if (problems.length > 0) return problems;
  return [await upToDate()].filter((result) => result !== true);
}

async function generate() {
  const problems = [lint(), options['accept-breaking'] || compatible()].filter((result) => result !== true);
  if (problems.length > 0) return problems;
  const written = buf('generate') && buf('build', '--exclude-source-info', '--output', baseline);
  return written ? [] : ['generate: see above'];
}

const problems = options.check ? await check() : await generate();
for (const problem of problems) console.error(`proto: ${problem}`);
if (problems.length === 0)
  console.log(options.check ? 'proto: lint, compatibility and generated code are fine' : `proto: ${generated} generated`);
process.exitCode = problems.length === 0 ? 0 : 1;
