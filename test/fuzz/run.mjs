// `npm run fuzz`: random and mutated input for the gate, the codecs, the batch splitter and the event stream parser. Nothing may
// throw, disagree with JSON.parse, or work on one input for five seconds.
//   npm run fuzz [-- --seconds 60] [--seed 1]
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';

const HANG_MS = 5_000;
const LOOK_MS = 250;
const FINDINGS = path.resolve(import.meta.dirname, '../../.cache/fuzz');

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: String(Date.now() % 2 ** 31) } },
});
const seconds = Number(values.seconds);
const seed = Number(values.seed);
if (!(seconds > 0) || !Number.isInteger(seed)) throw new Error('--seconds takes a positive number, --seed an integer');

const progress = new Int32Array(new SharedArrayBuffer(8));
const current = new Uint8Array(new SharedArrayBuffer(64 * 1024));

const currentInput = () => Buffer.from(current.subarray(0, Atomics.load(progress, 1)));

/** Tells when the worker works on one input for too long. */
function watch(worker) {
  let at = 0;
  let since = Date.now();
  return setInterval(() => {
    const now = Atomics.load(progress, 0);
    if (now !== at) [at, since] = [now, Date.now()];
    else if (Date.now() - since > HANG_MS) worker.emit('hang');
  }, LOOK_MS);
}

async function report(what, input) {
  await mkdir(FINDINGS, { recursive: true });
  const file = path.join(FINDINGS, `${what}-${seed}-${Date.now()}.bin`);
  await writeFile(file, input);
  console.log(`${what}: the input is in ${file}`);
  process.exitCode = 1;
}

async function fuzz() {
  const endsAt = Date.now() + seconds * 1000;
  console.log(`seed ${seed}, ${seconds} s`);
  const worker = new Worker(new URL('worker.mjs', import.meta.url), { workerData: { seed, endsAt, progress, current } });
  const watching = watch(worker);
  const ending = await Promise.race([
    once(worker, 'message').then(
      ([message]) => message,
      (error) => ({ tried: 0, sights: 0, problem: { stack: error.stack, input: currentInput().toString('base64') } }),
    ),
    once(worker, 'hang').then(() => 'hang'),
  ]);
  clearInterval(watching);
  await worker.terminate();
  if (ending === 'hang') return report('hang', currentInput());
  console.log(`${ending.tried} inputs, ${ending.sights} different outcomes`);
  if (ending.problem === undefined) return console.log('no crash, no hang');
  console.log(ending.problem.stack);
  return report('crash', Buffer.from(ending.problem.input, 'base64'));
}

await fuzz();
