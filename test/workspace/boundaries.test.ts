import { execFileSync } from 'node:child_process';
import path from 'node:path';
import {
  DEP_CONSTRAINTS,
  externalViolation,
  importableNames,
  layerViolation,
  rootDevDependencies,
  TEST_FILES,
  workspacePackages,
} from '../../tools/boundaries.mjs';
import { findCycle, importsOf, packageNameOf, workspaceRoot } from './import-graph.js';

interface Probe {
  readonly file: string;
  readonly text: string;
}
type Messages = readonly { readonly ruleId: string | null; readonly message: string }[];

function lint(probes: readonly Probe[]): Messages[] {
  const output = execFileSync(process.execPath, [path.join(__dirname, 'lint-probe.mjs')], { input: JSON.stringify(probes) });
  return JSON.parse(output.toString()) as Messages[];
}

const vault = 'services/token-vault/src/probe.ts';
const forbidden: readonly (readonly [id: string, file: string, statement: string, rule: string])[] = [
  ['service-service', vault, `import '@switchyard/edge-proxy';`, 'no-restricted-imports'],
  ['service-root', vault, `import '@switchyard/standalone';`, 'no-restricted-imports'],
  ['service-testing', vault, `import '@switchyard/testing';`, 'no-restricted-imports'],
  ['lib-service', 'libs/audit/src/probe.ts', `import '@switchyard/edge-proxy';`, 'no-restricted-imports'],
  ['contract-adapter', 'libs/contracts/src/probe.ts', `import '@switchyard/messaging';`, 'no-restricted-imports'],
  ['domain-adapter', 'libs/mcp/src/probe.ts', `import '@switchyard/state';`, 'no-restricted-imports'],
  ['undeclared-lib', 'libs/egress/src/probe.ts', `import '@switchyard/contracts';`, 'no-restricted-imports'],
  ['undeclared-type', 'libs/egress/src/probe.ts', `export type { Event } from '@switchyard/contracts';`, 'no-restricted-imports'],
  ['undeclared-external', vault, `import 'commander';`, 'no-restricted-imports'],
  ['undeclared-in-test', 'libs/egress/src/probe.test.ts', `import '@switchyard/oauth';`, 'no-restricted-imports'],
  ['deep-source', vault, `import '@switchyard/contracts/src/rpc.js';`, 'no-restricted-imports'],
  ['deep-dist', vault, `import '@switchyard/contracts/dist/rpc.js';`, 'no-restricted-imports'],
  ['relative-across', vault, `import '../../../libs/contracts/src/rpc.js';`, 'no-restricted-imports'],
  ['relative-sibling', 'libs/state/src/probe.ts', `import '../../messaging/src/bus.js';`, 'no-restricted-imports'],
  ['relative-sibling-dist', 'libs/state/src/probe.ts', `import '../../messaging/dist/bus.js';`, 'no-restricted-imports'],
  ['absolute', vault, `import '/etc/x.js';`, 'no-restricted-imports'],
  ['jose-outside-oauth', vault, `import 'jose';`, 'no-restricted-imports'],
  ['undici-outside-egress', vault, `import 'undici';`, 'no-restricted-imports'],
  ['nats-outside-messaging', vault, `import '@nats-io/transport-node';`, 'no-restricted-imports'],
  ['nest-in-pure', 'libs/mcp/src/probe.ts', `import '@nestjs/common';`, 'no-restricted-imports'],
  ['bare-builtin', vault, `import 'fs';`, 'no-restricted-imports'],
  ['forward-ref', vault, `import { forwardRef } from '@nestjs/common'; forwardRef(() => 1);`, 'no-restricted-imports'],
  ['export-all', vault, `export * from './config.js';`, 'no-restricted-syntax'],
  ['environment', vault, `export const home = process.env['HOME'];`, 'no-restricted-syntax'],
  ['arguments', vault, `export const first = process.argv[2];`, 'no-restricted-syntax'],
  ['any', vault, `export const x: any = 1;`, '@typescript-eslint/no-explicit-any'],
  [
    'type-import',
    vault,
    `import { Logger } from '@switchyard/telemetry'; export type X = Logger;`,
    '@typescript-eslint/consistent-type-imports',
  ],
  ['ts-ignore', vault, `// @ts-ignore\nexport const x = 1;`, '@typescript-eslint/ban-ts-comment'],
  ['long-file', vault, `export const x = 1;\n${'// line\n'.repeat(351)}`, 'max-lines'],
  ['long-function', vault, `export function f() {\n${'  f();\n'.repeat(80)}}\n`, 'max-lines-per-function'],
  ['long-test', 'libs/mcp/src/probe.test.ts', `${'// line\n'.repeat(601)}`, 'max-lines'],
  ['inline-disable', vault, `/* eslint-disable */\nexport const x: any = 1;`, '@typescript-eslint/no-explicit-any'],
];

const allowed: readonly (readonly [id: string, file: string, statement: string])[] = [
  ['service-lib', vault, `import '@switchyard/contracts';`],
  ['service-external', vault, `import 'zod';`],
  ['service-external-deep', vault, `import 'rxjs/operators';`],
  ['service-builtin', vault, `import 'node:crypto';`],
  ['service-own-file', vault, `import './config.js'; import '../x.js';`],
  ['root-service', 'services/standalone/src/probe.ts', `import '@switchyard/edge-proxy';`],
  ['root-bin-dist', 'services/standalone/bin/probe.mjs', `import '../dist/cli.js';`],
  ['owner-jose', 'libs/oauth/src/probe.ts', `import 'jose';`],
  ['owner-undici', 'libs/egress/src/probe.ts', `import 'undici';`],
  ['owner-nats', 'libs/messaging/src/probe.ts', `import '@nats-io/transport-node';`],
  ['test-testing', 'services/token-vault/src/probe.test.ts', `import '@switchyard/testing';`],
  ['test-root-dev', 'libs/mcp/src/probe.test.ts', `import 'fast-check';`],
  ['main-environment', 'services/token-vault/src/main.ts', `export const home = process.env['HOME'];`],
  ['runtime-environment', 'libs/runtime/src/probe.ts', `export const home = process.env['HOME'];`],
];

describe('lint', () => {
  const probes = [...forbidden, ...allowed].map(([, file, text]) => ({ file, text }));
  let results: Messages[];
  beforeAll(() => {
    results = lint(probes);
  });

  it.each(forbidden.map(([id, , , rule], index) => [id, rule, index] as const))('refuses %s', (_id, rule, index) => {
    expect(results[index]?.map(({ ruleId }) => ruleId)).toContain(rule);
  });

  it.each(allowed.map(([id], index) => [id, index] as const))('allows %s', (_id, index) => {
    expect(results[forbidden.length + index]).toEqual([]);
  });
});

describe('the packages of the workspace', () => {
  const packages = workspacePackages();
  const byName = new Map(packages.map((candidate) => [candidate.name, candidate]));
  const cases = packages.map((source) => [source.name, source] as const);

  it.each(cases)('%s has one layer and one runtime', (_name, { tags }) => {
    expect(tags.filter((tag) => tag.startsWith('layer:'))).toHaveLength(1);
    expect(tags.filter((tag) => /^runtime:(pure|nest)$/.test(tag))).toHaveLength(1);
    expect(DEP_CONSTRAINTS.map(({ sourceTag }) => sourceTag)).toEqual(
      expect.arrayContaining(tags.filter((tag) => tag.startsWith('layer:'))),
    );
  });

  it.each(cases)('%s declares only what it may import', (_name, source) => {
    const violations = source.dependencies.map((name) => {
      const target = byName.get(name);
      return target === undefined ? externalViolation(source, name) : layerViolation(source, target);
    });
    expect(violations.filter((violation) => violation !== undefined)).toEqual([]);
  });

  // Lint does not look at import(), this does.
  it.each(cases)('%s imports only what it declares', (_name, source) => {
    const { inSource, inTests } = importableNames(source, packages, rootDevDependencies());
    const isTest = (file: string) => TEST_FILES.some((pattern) => file.endsWith(pattern.slice(1)));
    const undeclared = importsOf(source.dir).filter(({ file, specifier }) => {
      if (specifier.startsWith('node:')) return false;
      if (specifier.startsWith('.')) return path.relative(source.dir, path.join(path.dirname(file), specifier)).startsWith('..');
      return !(isTest(file) ? inTests : inSource).includes(packageNameOf(specifier));
    });
    expect(undeclared).toEqual([]);
  });

  it('do not depend on each other in a circle', () => {
    expect(findCycle(new Map(packages.map(({ name, dependencies }) => [name, dependencies])))).toBeUndefined();
    expect(
      findCycle(
        new Map([
          ['a', ['b']],
          ['b', ['c']],
          ['c', ['b']],
        ]),
      ),
    ).toEqual(['b', 'c', 'b']);
  });

  it('lie under the root that the tests look at', () => {
    expect(path.basename(path.join(workspaceRoot, 'package.json'))).toBe('package.json');
    expect(packages.length).toBeGreaterThan(10);
  });
});
