// Tries inputs until it is told to stop. What it is at stands in shared memory, so that a hang can be told from without.
import { parentPort, workerData } from 'node:worker_threads';
import { Inputs } from './inputs.mjs';
import { randomFrom } from './random.mjs';
import { TARGETS } from './targets.mjs';

const { seed, endsAt, progress, current } = workerData;
const random = randomFrom(seed);
const inputs = new Inputs(random);
const seen = new Set();
let tried = 0;

function tryAll(bytes) {
  let isNew = false;
  for (const [name, target] of Object.entries(TARGETS)) {
    const sight = `${name} ${target(bytes, random)}`;
    isNew ||= !seen.has(sight) && seen.size < 100_000;
    seen.add(sight);
  }
  return isNew;
}

let problem;
while (Date.now() < endsAt && problem === undefined) {
  const bytes = inputs.next();
  bytes.copy(current);
  Atomics.store(progress, 1, bytes.length);
  Atomics.add(progress, 0, 1);
  try {
    if (tryAll(bytes)) inputs.keep(bytes);
    tried += 1;
  } catch (error) {
    problem = { stack: error.stack, input: Buffer.from(bytes).toString('base64') };
  }
}
parentPort.postMessage({ tried, sights: seen.size, problem });
