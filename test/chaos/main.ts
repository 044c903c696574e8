import { chaosOptions } from './options.js';
import { RunClock } from './run-clock.js';
import { runSeed } from './run-seed.js';

/** Longest that the end of a seed may take: everything that is bounded there, and room for a slow machine. */
const REST_MS = 10 * 60_000;
const LOOK_MS = 1_000;

// Ending by exit() rather than by the signal lets processes and folders go.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const options = chaosOptions(process.argv.slice(2));
const failed: number[] = [];
for (const seed of options.seeds) {
  using clock = new RunClock();
  const looking = setInterval(() => {
    if (clock.nowMs() < options.seconds * 1000 + REST_MS) return;
    console.log(`seed ${seed} did not end in time`);
    process.exit(1);
  }, LOOK_MS);
  const holds = await runSeed(seed, options).catch((error: unknown) => {
    console.log('this seed could not be run to its end:', error);
    return false;
  });
  clearInterval(looking);
  if (!holds) failed.push(seed);
}
const again = failed.map((seed) => `npm run chaos -- --seed ${seed}${options.strict ? ' --strict' : ''}`);
console.log(
  failed.length === 0 ? `\n${options.seeds.length} seeds: all invariants hold` : `\nfailed; again with: ${again.join(' ; ')}`,
);
process.exit(failed.length === 0 ? 0 : 1);
