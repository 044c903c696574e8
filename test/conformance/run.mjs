// npm run conformance [-- --quadrant NAME] [-- --scenario NAME] [-- --json]
// The official referee, @modelcontextprotocol/conformance, examines the gateway: each client revision against an upstream of each era, and
// the gateway as a client of the referee's own servers. The upstreams are examined without the gateway too, so that what fails with it
// is the gateway's. Prints one table, and below it what failed. The exit code is the verdict.
import { parseArgs } from 'node:util';
import { examineUpstreamSide } from './client-side.mjs';
import { startLegacyFixture } from './fixtures/legacy.mjs';
import { startModernFixture } from './fixtures/modern.mjs';
import { startGateway } from './gateway.mjs';
import { examineServer, scenariosOf } from './referee.mjs';
import { printReport } from './report.mjs';
import { judge, readExpectedFailures } from './verdict.mjs';

const REVISIONS = ['2025-11-25', '2026-07-28'];
const ERA_OF = { '2025-11-25': 'legacy', '2026-07-28': 'modern' };

/** What is examined. `<client revision>:<upstream era>` are the quadrants; `upstream` is the gateway as a client. */
const QUADRANTS = [
  ...REVISIONS.map((revision) => ({ name: `${revision}:direct`, revision, direct: ERA_OF[revision] })),
  ...REVISIONS.flatMap((revision) =>
    ['legacy', 'modern'].map((upstream) => ({ name: `${revision}:${upstream}`, revision, upstream })),
  ),
  ...REVISIONS.map((revision) => ({ name: `${revision}:upstream-side`, revision, role: 'client' })),
];

const { values: options } = parseArgs({
  options: { quadrant: { type: 'string' }, scenario: { type: 'string' }, json: { type: 'boolean' } },
});

/** @returns the quadrants asked for; none where a name is not known */
async function chosen() {
  const named = QUADRANTS.filter(({ name }) => options.quadrant === undefined || name === options.quadrant);
  if (options.scenario === undefined) return named;
  const have = await Promise.all(
    named.map(async ({ revision, role = 'server' }) => (await scenariosOf(revision, role)).includes(options.scenario)),
  );
  return named.filter((_quadrant, index) => have[index]);
}

async function examineAll(quadrants) {
  await using undo = new AsyncDisposableStack();
  const keep = async (starting) => undo.adopt(await starting, ({ close }) => close());
  const fixtures = { legacy: await keep(startLegacyFixture()), modern: await keep(startModernFixture()) };
  const behindGateway = quadrants.some(({ direct }) => direct === undefined);
  const gateway = behindGateway && (await keep(startGateway({ legacy: fixtures.legacy.url, modern: fixtures.modern.url })));
  const expected = await readExpectedFailures();
  const verdicts = [];
  for (const { name, revision, role, direct, upstream } of quadrants) {
    const only = options.scenario;
    const examine = () => {
      if (role === 'client') return examineUpstreamSide({ gateway, revision, only });
      return examineServer({ url: direct === undefined ? gateway.url(upstream) : fixtures[direct].url, revision, only });
    };
    verdicts.push(judge(name, await examine(), expected));
  }
  return verdicts;
}

const quadrants = await chosen();
if (quadrants.length === 0) {
  console.error(`No such scenario there. Quadrants: ${QUADRANTS.map(({ name }) => name).join(', ')}`);
  process.exitCode = 2;
} else {
  const verdicts = await examineAll(quadrants);
  printReport(verdicts, { json: options.json === true });
  process.exitCode = verdicts.every(({ failed, stale }) => failed + stale === 0) ? 0 : 1;
}
