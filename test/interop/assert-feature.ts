import type { FeatureId, Limit } from './expectations.js';
import { type Bench, type Feature, FEATURE_TESTS, textFrom, textOf } from './features.js';

const PATIENCE_MS = 10_000;
/** Where the feature is expected to be missing: far over what it takes where it works. */
const MISSING_PATIENCE_MS = 1_500;

/** Asserts that a feature works, or that the user sees what its limit says. What is missing must be so still. */
export async function assertFeature(id: FeatureId, pair: Omit<Bench, 'patienceMs'>, limit: Limit | undefined): Promise<void> {
  const bench = { ...pair, patienceMs: limit?.outcome === 'missing' ? MISSING_PATIENCE_MS : PATIENCE_MS };
  const feature = FEATURE_TESTS[id];
  if (limit === undefined) return feature.works(bench);
  if (limit.outcome === 'missing') return assertMissing(feature, bench, limit);
  if (limit.outcome === 'refused') return assertRefused(feature, bench, limit);
  const shows = feature[limit.outcome];
  if (shows === undefined) throw new Error(`${id} has no test for what is ${limit.outcome}`);
  await shows(bench);
}

async function assertMissing({ works }: Feature, bench: Bench, { id }: Limit): Promise<void> {
  const worked = await works(bench).then(
    () => true,
    () => false,
  );
  if (worked) throw new Error(`it works: the rule ${id} is out of date`);
  expect(await textFrom(bench.client, bench.offer.echo(bench.unique))).toContain(bench.unique);
}

async function assertRefused({ refused }: Feature, bench: Bench, { id, says }: Limit): Promise<void> {
  const call = refused?.(bench);
  if (call === undefined || says === undefined) throw new Error(`${id}: nothing to be refused, or nothing that it says`);
  const seen = await bench.client.callTool(call).then(
    (result) => (result.isError === true ? textOf(result) : `succeeded: ${JSON.stringify(result)}`),
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  expect(seen).not.toMatch(/^succeeded/);
  expect(seen).toMatch(says);
  expect(await textFrom(bench.client, bench.offer.echo(bench.unique))).toContain(bench.unique);
}
