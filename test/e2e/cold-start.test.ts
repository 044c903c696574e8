import path from 'node:path';
import { REPOSITORY } from './targets/gateway-file.js';
import { startNode } from './targets/logged-process.js';

const program = path.join(REPOSITORY, 'test/bench/cold-start.mjs');

/** What the program prints with --json, as far as it is looked at. */
interface ColdStart {
  readonly answeredMs: number;
  readonly answer: string;
  readonly printed: string;
}

describe('a first start', () => {
  let measured: ColdStart;

  beforeAll(async () => {
    const run = startNode({ name: 'cold start', args: [program, '--runs', '1', '--json'] });
    const code = await run.exited;
    if (code !== 0) throw new Error(run.output());
    measured = JSON.parse(run.stdout()) as ColdStart;
    // How fast it is, test/bench/cold-start.mjs tells; here other tests run beside it.
    console.log(`first tool call answered after ${(measured.answeredMs / 1000).toFixed(1)} s`);
  }, 300_000);

  it('CS-1 answers a call of the command line, which finds the gateway and its key by itself', () => {
    expect(measured.answer).toBe('Echo: hello');
    expect(measured.answeredMs).toBeLessThan(60_000);
  });

  it.each([
    ['endpoint', /^ {2}http:\/\/localhost:\d+\/mcp\/demo {2}Demo$/m],
    ['admin key', /^Admin key, shown this once\n {2}sy_[a-z0-9]{12}_[\w-]{43}$/m],
    ['line to connect a client', /^ {2}claude mcp add --transport http demo http:\/\/localhost:\d+\/mcp\/demo$/m],
  ])('CS-2 prints the %s', (_what, pattern) => {
    expect(measured.printed).toMatch(pattern);
  });
});
