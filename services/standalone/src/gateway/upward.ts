import { existsSync } from 'node:fs';
import path from 'node:path';

/** The folder itself, the one above it, and so on up to the root. */
export function foldersUpward(from: string): string[] {
  const above = path.dirname(from);
  return above === from ? [from] : [from, ...foldersUpward(above)];
}

/** The nearest file of this name, in the folder or above it. */
export function findUpward(from: string, name: string): string | undefined {
  return foldersUpward(from)
    .map((folder) => path.join(folder, name))
    .find((file) => existsSync(file));
}
