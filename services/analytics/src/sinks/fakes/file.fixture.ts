import { tempDir } from '@switchyard/testing';
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { FakeProduct } from './fake-product.fixture.js';

/** A folder that a file sink writes to. */
export interface FakeFolder extends FakeProduct {
  readonly file: string;
  /** Takes the folder away, or gives it back. */
  away(isAway: boolean): Promise<void>;
}

/** Makes one. @param more settings of the sink */
export async function startFolder(more: Readonly<Record<string, unknown>> = {}): Promise<FakeFolder> {
  const dir = await tempDir();
  const folder = path.join(dir.path, 'log');
  const file = path.join(folder, 'events.jsonl');
  const idsOf = (name: string) =>
    readFileSync(name, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { event_id: string }).event_id);
  const ageOf = (name: string) => Number(/\.(\d+)$/.exec(name)?.[1] ?? 0);
  return {
    settings: { path: file, ...more },
    secrets: {},
    file,
    taken: () => {
      if (!existsSync(folder)) return [];
      const names = readdirSync(folder).sort((a, b) => ageOf(b) - ageOf(a));
      return names.flatMap((name) => idsOf(path.join(folder, name)));
    },
    fault: undefined,
    away: async (isAway) => {
      const aside = `${folder}-aside`;
      if (isAway) {
        if (existsSync(folder)) renameSync(folder, aside);
        // Nothing can be made where a file of that name stands.
        await mkdir(path.dirname(folder), { recursive: true });
        const { writeFile } = await import('node:fs/promises');
        await writeFile(folder, '');
      } else {
        await rm(folder, { force: true });
        if (existsSync(aside)) renameSync(aside, folder);
      }
    },
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}
