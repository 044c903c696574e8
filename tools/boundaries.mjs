// Who may import what, as data, and the ESLint configuration that follows from it.
// A package's layer and runtime are the Nx tags in its package.json; what it may import is what it declares there,
// as far as the tables below allow it. docs/adr/0002 says why this is not @nx/eslint-plugin.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');

/** Which layers a layer may depend on. Nothing depends on `layer:root`; services never depend on each other. */
export const DEP_CONSTRAINTS = [
  { sourceTag: 'layer:root', onlyDependOnLibsWithTags: ['layer:app', 'layer:adapter', 'layer:domain', 'layer:contract'] },
  { sourceTag: 'layer:app', onlyDependOnLibsWithTags: ['layer:adapter', 'layer:domain', 'layer:contract'] },
  { sourceTag: 'layer:adapter', onlyDependOnLibsWithTags: ['layer:adapter', 'layer:domain', 'layer:contract'] },
  { sourceTag: 'layer:domain', onlyDependOnLibsWithTags: ['layer:domain', 'layer:contract'] },
  { sourceTag: 'layer:contract', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'layer:testing', onlyDependOnLibsWithTags: ['layer:adapter', 'layer:domain', 'layer:contract'] },
];

/** External packages that a kind of package must not import. */
export const BANNED_EXTERNALS = [{ sourceTag: 'runtime:pure', externals: ['@nestjs/*'] }];

/** External packages that only their owners import, so that there is one place to look when they change. */
export const EXTERNAL_OWNERS = {
  jose: ['@switchyard/audit', '@switchyard/oauth'],
  undici: ['@switchyard/egress'],
  '@nats-io/*': ['@switchyard/messaging', '@switchyard/state'],
  '@opentelemetry/sdk-*': ['@switchyard/telemetry'],
  '@opentelemetry/exporter-*': ['@switchyard/telemetry'],
  pino: ['@switchyard/telemetry'],
  'oidc-provider': ['@switchyard/auth-server'],
  'openid-client': ['@switchyard/auth-server'],
  aws4fetch: ['@switchyard/aws'],
  oauth4webapi: ['@switchyard/token-vault'],
  nodemailer: ['@switchyard/analytics'],
  '@clickhouse/*': ['@switchyard/analytics', '@switchyard/testing'],
};

/** Files that run in tests only: they may also import development dependencies and the packages of `layer:testing`. */
export const TEST_FILES = ['*.test.ts', '*.contract.ts', '*.fixture.ts', '*.fixture.mjs'];

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));
const matches = (pattern, name) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern);
const isWorkspaceName = (name) => name.startsWith('@switchyard/');

/** Every workspace package: name, directory relative to the root, tags, declared dependencies. */
export function workspacePackages() {
  return globSync('{libs,services}/*/package.json', { cwd: root }).map((file) => {
    const { name, nx, dependencies = {}, devDependencies = {} } = readJson(path.join(root, file));
    const dir = path.dirname(file);
    return { name, dir, tags: nx.tags, dependencies: Object.keys(dependencies), devDependencies: Object.keys(devDependencies) };
  });
}

/** Names of the root's own development dependencies: test peers and tools. */
export function rootDevDependencies() {
  return Object.keys(readJson(path.join(root, 'package.json')).devDependencies);
}

/** Why one package may not depend on another workspace package; undefined where it may. */
export function layerViolation(source, target) {
  const constraint = DEP_CONSTRAINTS.find(({ sourceTag }) => source.tags.includes(sourceTag));
  if (constraint === undefined) return `${source.name} has no layer tag`;
  if (constraint.onlyDependOnLibsWithTags.some((tag) => target.tags.includes(tag))) return undefined;
  return `${constraint.sourceTag} must not depend on ${target.name} (${target.tags.join(', ')})`;
}

/** Why a package may not import an external package; undefined where it may. */
export function externalViolation(source, external) {
  const [pattern, owners] = Object.entries(EXTERNAL_OWNERS).find(([owned]) => matches(owned, external)) ?? [];
  if (owners !== undefined && !owners.includes(source.name)) return `only ${owners.join(' and ')} may import ${pattern}`;
  const ban = BANNED_EXTERNALS.find(
    ({ sourceTag, externals }) => source.tags.includes(sourceTag) && externals.some((banned) => matches(banned, external)),
  );
  return ban && `${ban.sourceTag} must not import ${external}`;
}

/** Names that a package's own source may import, and names that its tests may import. */
export function importableNames(source, packages, devDependencies) {
  const allowed = (name) => {
    if (!isWorkspaceName(name)) return externalViolation(source, name) === undefined;
    const target = packages.find((candidate) => candidate.name === name);
    return target !== undefined && layerViolation(source, target) === undefined;
  };
  const testing = packages.filter(({ tags }) => tags.includes('layer:testing')).map(({ name }) => name);
  const inSource = source.dependencies.filter(allowed);
  return { inSource, inTests: [...inSource, ...source.devDependencies, ...testing, ...devDependencies] };
}

const escape = (name) => name.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
const anyOf = (names, end) => (names.length === 0 ? '(?!)' : `(?:${names.map(escape).join('|')})${end}`);

/** A second entry point, for what is too large to be loaded by every process. */
const SECOND_ENTRIES = { contracts: ['contracts/catalogue'] };

function entriesOf(name) {
  const own = name.slice('@switchyard/'.length);
  return [own, ...(SECOND_ENTRIES[own] ?? [])];
}

const importRule = (names) => [
  'error',
  {
    paths: [
      {
        name: '@nestjs/common',
        importNames: ['forwardRef'],
        message: 'A cycle between modules: move the shared data out instead.',
      },
      { name: 'node:process', message: 'Configuration is read in main.ts and handed down.' },
    ],
    patterns: [
      {
        regex: `^@switchyard/(?!${anyOf(names.filter(isWorkspaceName).flatMap(entriesOf), '$')})`,
        message:
          'Not a dependency that this package declares and its layer allows (tools/boundaries.mjs), or not its entry point.',
      },
      {
        regex: `^(?!node:|[./]|@switchyard/|${anyOf(
          names.filter((name) => !isWorkspaceName(name)),
          '(?:/|$)',
        )})`,
        message: 'Not an external package that this package declares and may import (tools/boundaries.mjs).',
      },
      {
        // A program in bin/ may load its own dist/.
        regex: '^\\.{1,2}/(?:(?:.*/)?(?:libs|services|src|node_modules)/|(?!dist/)(?:.*/)?dist/)',
        message: 'Other packages are imported by their name, and their own files by the shortest path.',
      },
      { regex: '^/', message: 'Imports are relative, or by package name.' },
    ],
  },
];

/** The ESLint configuration objects that enforce all of this, package by package. */
export function boundaryConfigs() {
  const packages = workspacePackages();
  const devDependencies = rootDevDependencies();
  return packages.flatMap((source) => {
    const { inSource, inTests } = importableNames(source, packages, devDependencies);
    return [
      {
        name: `boundaries/${source.name}`,
        files: [`${source.dir}/**/*.{ts,mjs}`],
        rules: { 'no-restricted-imports': importRule(inSource) },
      },
      {
        name: `boundaries/${source.name}/tests`,
        files: TEST_FILES.map((pattern) => `${source.dir}/**/${pattern}`),
        rules: { 'no-restricted-imports': importRule(inTests) },
      },
    ];
  });
}
