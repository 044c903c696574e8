// npm run single-use [-- N]
// Codes, refresh tokens, pushed requests, device codes, assertions and proofs of possession, each presented eight times at once to two replicas of the
// authorization server over NATS, a thousand times (or N); and once a thousand times at once. One wins, always. `npm test` does ten of each.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { root } from './fetching.mjs';

const trials = Number(process.argv[2] ?? 1_000);
if (!Number.isInteger(trials) || trials < 1) throw new Error('npm run single-use -- N: N must be a whole number of trials');

const FILES = [
  'services/auth-server/src/single-use-trials',
  'services/auth-server/src/id-jag',
  'services/edge-proxy/src/stages/possession',
];
const args = [path.join(root, 'tools/test.mjs'), ...FILES, '--verbose'];
const env = { ...process.env, SINGLE_USE_TRIALS: String(trials) };
const [code] = await once(spawn(process.execPath, args, { cwd: root, env, stdio: 'inherit' }), 'close');
process.exitCode = code ?? 1;
