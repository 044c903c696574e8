import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

/** Root of the workspace. */
export const workspaceRoot = path.resolve(__dirname, '../..');

/** One import in one file: static, dynamic or re-export. */
export interface Import {
  /** Importing file, relative to the root. */
  readonly file: string;
  readonly specifier: string;
}

/** Files of a package's sources, relative to the root. */
export function sourceFiles(packageDir: string): string[] {
  return globSync(`${packageDir}/{src,bin}/**/*.{ts,mjs}`, { cwd: workspaceRoot });
}

/** Every import of a package's sources. */
export function importsOf(packageDir: string): Import[] {
  return sourceFiles(packageDir).flatMap((file) => {
    const { importedFiles } = ts.preProcessFile(readFileSync(path.join(workspaceRoot, file), 'utf8'), true, true);
    return importedFiles.map(({ fileName }) => ({ file, specifier: fileName }));
  });
}

/** Name of the package that a bare specifier points into: `@a/b/c` → `@a/b`, `x/y` → `x`. */
export function packageNameOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Packages on a dependency cycle, as a path that ends where it starts; undefined where there is none. */
export function findCycle(dependencies: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const finished = new Set<string>();
  const visit = (name: string, trail: readonly string[]): string[] | undefined => {
    if (trail.includes(name)) return [...trail.slice(trail.indexOf(name)), name];
    if (finished.has(name)) return undefined;
    for (const next of dependencies.get(name) ?? []) {
      const cycle = visit(next, [...trail, name]);
      if (cycle !== undefined) return cycle;
    }
    finished.add(name);
    return undefined;
  };
  return [...dependencies.keys()].map((name) => visit(name, [])).find((cycle) => cycle !== undefined);
}
