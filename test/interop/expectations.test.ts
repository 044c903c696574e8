import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Cell, CLIENTS, FEATURES, LIMITS, limitOf, UPSTREAMS } from './expectations.js';
import { FEATURE_TESTS } from './features.js';

const CELLS: readonly Cell[] = CLIENTS.flatMap((client) =>
  UPSTREAMS.flatMap((upstream) => FEATURES.map(({ id: feature }) => ({ client, upstream, feature }))),
);

describe.each(LIMITS.map((limit) => [limit.id, limit] as const))('the rule %s', (_id, limit) => {
  const cells = CELLS.filter((cell) => limitOf(cell) === limit);

  it('holds for some cell', () => expect(cells).not.toEqual([]));

  it('has a test of what is seen instead, for every feature that it is about', () => {
    expect(limit.outcome === 'refused').toBe(limit.says !== undefined);
    // What the gateway lacks shows nothing of its own.
    if (limit.outcome === 'missing') return;
    for (const { feature } of cells) expect(FEATURE_TESTS[feature][limit.outcome]).toBeDefined();
  });
});

it.each(CLIENTS.map(({ id }) => id))('the client %s has a file in which jest finds its part of the matrix', (id) => {
  expect(existsSync(path.join(__dirname, `matrix.${id}.test.ts`))).toBe(true);
});
