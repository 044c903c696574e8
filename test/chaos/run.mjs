// npm run chaos [-- --seed N] [-- --strict] [-- --seconds N] [-- --rate N] [-- --keep]
// Breaks a whole gateway in ways that a seed draws, while clients work, and checks afterwards what its audit trail says against what clients
// and upstreams have written down themselves. Prints every fault and every invariant; ends with 0 where all hold. docs/chaos.md
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

// In namespaces of its own it may mount a small disk, and nothing that it has started outlives it, however it ends.
const namespaces = ['--mount', '--pid', '--fork', '--mount-proc', '--kill-child'];
const WAYS = [
  ['unshare', ...namespaces],
  ['unshare', '--user', '--map-root-user', ...namespaces],
];

function mayMount(way) {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'switchyard-chaos-'));
  const [program, ...args] = [...way, 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', dir];
  const { status } = spawnSync(program, args, { stdio: 'ignore' });
  rmdirSync(dir);
  return status === 0;
}

const way = WAYS.find(mayMount) ?? [];
const node = ['--disable-warning=ExperimentalWarning', '--import', path.join(import.meta.dirname, 'source-hooks.mjs')];
const [program, ...args] = [
  ...way,
  process.execPath,
  ...node,
  path.join(import.meta.dirname, 'main.ts'),
  ...(way.length > 0 ? ['--own-mounts'] : []),
  ...process.argv.slice(2),
];
const child = spawn(program, args, { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
process.on('exit', () => child.kill('SIGKILL'));
child.on('exit', (code) => process.exit(code ?? 1));
