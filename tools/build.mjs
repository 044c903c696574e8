// Compiles every package's src/ to dist/ with swc; a file whose output is newer is left alone.
//   node tools/build.mjs [--quiet] [--clean]
import { transformFile } from '@swc/core';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const quiet = process.argv.includes('--quiet');

async function sources(dir) {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !/\.(test|contract|fixture|d)\.ts$/.test(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name));
}

const modifiedAt = async (file) => (existsSync(file) ? (await stat(file)).mtimeMs : 0);

async function compile(source, target, configModifiedAt) {
  const builtAt = await modifiedAt(target);
  if (builtAt > (await modifiedAt(source)) && builtAt > configModifiedAt) return false;
  const { code, map } = await transformFile(source, { configFile: path.join(root, '.swcrc') });
  await mkdir(path.dirname(target), { recursive: true });
  const mapName = `${path.basename(target)}.map`;
  await writeFile(path.join(path.dirname(target), mapName), map);
  await writeFile(target, `${code}\n//# sourceMappingURL=${mapName}\n`);
  return true;
}

async function removeOrphans(dist, expected) {
  if (!existsSync(dist)) return;
  for (const entry of await readdir(dist, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isFile() && !expected.has(file.replace(/\.map$/, ''))) await rm(file);
  }
}

async function buildPackage(dir, configModifiedAt) {
  const dist = path.join(dir, 'dist');
  if (process.argv.includes('--clean')) await rm(dist, { recursive: true, force: true });
  const files = await sources(path.join(dir, 'src'));
  const targets = files.map((file) => path.join(dist, path.relative(path.join(dir, 'src'), file)).replace(/\.ts$/, '.js'));
  await removeOrphans(dist, new Set(targets));
  const compiled = await Promise.all(files.map((file, index) => compile(file, targets[index], configModifiedAt)));
  return compiled.filter(Boolean).length;
}

const startedAt = performance.now();
const configModifiedAt = await modifiedAt(path.join(root, '.swcrc'));
const only = process.argv.find((arg) => arg.startsWith('--package='))?.slice('--package='.length);
const groups = await Promise.all(
  ['libs', 'services'].map(async (group) => (await readdir(path.join(root, group))).map((name) => path.join(root, group, name))),
);
const packages = groups.flat().filter((dir) => existsSync(path.join(dir, 'src')) && (!only || path.relative(root, dir) === only));
const counts = await Promise.all(packages.map((dir) => buildPackage(dir, configModifiedAt)));
const total = counts.reduce((sum, count) => sum + count, 0);
if (!quiet || process.env.SWITCHYARD_DEBUG)
  console.log(`build: ${total} files compiled in ${Math.round(performance.now() - startedAt)} ms`);
