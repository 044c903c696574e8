// npm run conformance [-- --quadrant NAME] [-- --scenario NAME] [-- --json]
// The official referee, @modelcontextprotocol/conformance, examines the gateway: each client revision against an upstream of each era, and
// the gateway as a client of the referee's own servers, and its authorization server. The upstreams are examined without the gateway too, so that what fails with it
// is the gateway's. Prints one table, and below it what failed. The exit code is the verdict.
import { parseArgs } from 'node:util';
import { examineAuthorizationSide } from './authorization-server-side.mjs';
import { examineUpstreamSide } from './client-side.mjs';
import { startLegacyFixture } from './fixtures/legacy.mjs';
import { startModernFixture } from './fixtures/modern.mjs';
import { startGateway } from './gateway.mjs';
import { examineServer, readNotAsked, REVISIONS, scenariosOf } from './referee.mjs';
import { printReport } from './report.mjs';
import { judge, readExpectedFailures } from './verdict.mjs';

const ERA_OF = { '2025-11-25': 'legacy', '2026-07-28': 'modern' };

/** What is examined. `<client revision>:<upstream era>` are the quadrants; `upstream-side` is the gateway as a client. */
const QUADRANTS = [
  ...REVISIONS.map((revision) => ({ name: `${revision}:direct`, revision, direct: true })),
  ...REVISIONS.flatMap((revision) =>
    ['legacy', 'modern'].map((upstream) => ({ name: `${revision}:${upstream}`, revision, upstream })),
  ),
  ...REVISIONS.map((revision) => ({ name: `${revision}:upstream-side`, revision, role: 'client' })),
  ...REVISIONS.map((revision) => ({ name: `${revision}:authorization-server`, revision, role: 'authorization-server' })),
];

const SIDES = { client: examineUpstreamSide, 'authorization-server': examineAuthorizationSide };

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
  const upstreams = { legacy: fixtures.legacy.url, modern: fixtures.modern.url };
  const gateway = quadrants.some((quadrant) => !quadrant.direct) && (await keep(startGateway(upstreams)));
  const only = options.scenario;
  const expectedFailures = (await readExpectedFailures()).filter(({ scenario }) => only === undefined || scenario === only);

  const examineDirect = (revision) => examineServer({ url: upstreams[ERA_OF[revision]], revision, only });
  const direct = new Map();
  for (const revision of new Set(quadrants.filter(({ role }) => role === undefined).map((quadrant) => quadrant.revision)))
    direct.set(revision, await examineDirect(revision));

  const verdicts = [];
  for (const quadrant of quadrants) {
    const { name, revision, upstream } = quadrant;
    const examined = { quadrant: name, expectedFailures };
    if (quadrant.direct) verdicts.push(judge({ ...examined, checks: direct.get(revision) }));
    else if (quadrant.role !== undefined)
      verdicts.push(judge({ ...examined, checks: await SIDES[quadrant.role]({ gateway, revision, only }) }));
    else {
      const checks = await examineServer({ url: gateway.url(upstream), revision, only });
      verdicts.push(judge({ ...examined, checks, direct: direct.get(revision) }));
    }
  }
  return verdicts;
}

const NAMES = QUADRANTS.map(({ name }) => name);
const quadrants = await chosen();
const lost = (await readExpectedFailures()).filter(({ quadrant }) => !NAMES.includes(quadrant));
if (quadrants.length === 0 || lost.length > 0) {
  const what = quadrants.length === 0 ? 'no such scenario there' : `expected-failures.yaml names ${lost[0].quadrant}`;
  console.error(`${what}; quadrants are ${NAMES.join(', ')}`);
  process.exitCode = 2;
} else {
  const verdicts = await examineAll(quadrants);
  printReport(verdicts, { json: options.json === true, notAsked: await readNotAsked(REVISIONS) });
  process.exitCode = verdicts.every(({ failed, stale }) => failed + stale === 0) ? 0 : 1;
}
