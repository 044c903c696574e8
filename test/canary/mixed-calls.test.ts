import path from 'node:path';
import { REPOSITORY } from '../e2e/targets/gateway-file.js';
import { startNode } from '../e2e/targets/logged-process.js';

// `npm run canary` makes a million of these calls; here are as many as every combination of them needs.

const RUN = path.join(REPOSITORY, 'test/canary/run.mjs');
const LIMIT_MS = 120_000;

interface Outcome {
  readonly calls: number;
  readonly kinds: Readonly<Record<string, number>>;
  readonly faults: number;
  readonly first: readonly string[];
}

async function run(...args: string[]): Promise<{ exitCode: number | null; outcome: Outcome }> {
  const program = startNode({ name: 'canary', args: [RUN, ...args, '--json'] });
  const exitCode = await program.exited;
  const [line = ''] = /^\{"calls".*$/m.exec(program.output()) ?? [];
  return { exitCode, outcome: JSON.parse(line) as Outcome };
}

it(
  'of 5,000 mixed calls with equal ids every answer, progress and log message reaches its own caller',
  async () => {
    const { exitCode, outcome } = await run('5000');
    expect(outcome).toMatchObject({ calls: 5_000, faults: 0, first: [] });
    expect(exitCode).toBe(0);
    for (const kind of ['unary', 'streamed', 'cancelled', 'left']) expect(outcome.kinds[kind]).toBeGreaterThan(0);
  },
  LIMIT_MS,
);

it(
  'an upstream that mixes up two answers is noticed',
  async () => {
    const { exitCode, outcome } = await run('600', '--swap', '50');
    expect(exitCode).toBe(1);
    expect(outcome.first.join('\n')).toMatch(/was sent canary:/);
  },
  LIMIT_MS,
);
