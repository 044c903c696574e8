import type { Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import path from 'node:path';

/** Text of a file, or the end of a sentence that says why it cannot be had. */
export type ReferencedFile = { readonly ok: true; readonly value: string } | { readonly ok: false; readonly problem: string };

const fileLimitBytes = 64 * 1024;

const refused = (problem: string): ReferencedFile => ({ ok: false, problem });
const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? 'unknown error';

/** The files that `${file:PATH}` may name: any that the vault can read, except those that its own key comes from. */
export class ReferenceFiles {
  readonly #directory: string;
  readonly #ownFiles: readonly string[];

  /**
   * @param o.directory where relative paths start
   * @param o.ownFiles the key-encryption key, or what the key service is shown; no configuration may send them anywhere
   */
  constructor(o: { readonly directory: string; readonly ownFiles: readonly string[] }) {
    this.#directory = path.resolve(o.directory);
    this.#ownFiles = o.ownFiles.map((file) => path.resolve(file));
  }

  /** Reads a file; its last line break is not part of the value. */
  async read(name: string): Promise<ReferencedFile> {
    const file = path.resolve(this.#directory, name);
    try {
      return await readText(file, await Promise.all(this.#ownFiles.map((own) => stat(own))));
    } catch (error) {
      return refused(
        `cannot be read by the token vault (${codeOf(error)}: ${file}). Create it, or correct the path or its permissions.`,
      );
    }
  }
}

async function readText(file: string, own: readonly Stats[]): Promise<ReferencedFile> {
  await using handle = await open(file, 'r');
  const stats = await handle.stat();
  // By identity, not by path: there may be links.
  if (own.some(({ dev, ino }) => stats.dev === dev && stats.ino === ino)) {
    return refused("is the token vault's own key. Name another file.");
  }
  if (!stats.isFile()) return refused(`is not a file (${file}). Correct the path.`);
  if (stats.size > fileLimitBytes) return refused(`is larger than ${fileLimitBytes} bytes (${file}). Correct the path.`);
  const value = (await handle.readFile('utf8')).replace(/\r?\n$/, '');
  return value === '' ? refused(`is empty (${file}). Write the value into it.`) : { ok: true, value };
}
